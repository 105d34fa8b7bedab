using Uprobes.LiveTests.Following;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Inline;

/// <summary>Programs of the target's that may not read the time stamp counter (prctl(2), PR_SET_TSC): ours do not end them by doing so.</summary>
public sealed class TickTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Theory]
    [InlineData(ProgramKind.Count, 1)]
    [InlineData(ProgramKind.Event, 0)]
    [InlineData(null, 0)]
    public void What_needs_the_time_is_not_run_in_a_process_that_may_not_read_the_counter(ProgramKind? kind, int patched)
    {
        using TargetProcess target = TargetProcess.StartTarget("limits", "tsc");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using LifeRun run = new(kind);
        Assert.Empty(session.RegisterAll([run.At("limits", "work")]).Refusals);
        Assert.Equal(patched, session.InlineSites);
        run.AssertCounted([], LifeRun.Ask(target, "count 500"));
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Theory]
    [InlineData(ProgramKind.Count, 1)]
    [InlineData(ProgramKind.Event, 0)]
    [InlineData(null, 0)]
    public void A_process_that_forbids_itself_to_read_the_counter_goes_on_and_is_counted(ProgramKind? kind, int patched)
    {
        using TargetProcess target = TargetProcess.StartTarget("limits", "none");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using LifeRun run = new(kind);
        Assert.Empty(session.RegisterAll([run.At("limits", "work")]).Refusals);
        Assert.Equal(1, session.InlineSites);
        run.AssertCounted([], LifeRun.Ask(target, "count 500"));
        target.Ask("forbid");
        Dictionary<int, ulong> before = run.Hits();
        run.AssertCounted(before, LifeRun.Ask(target, "count 500"), underWay: 1);
        Assert.Equal(patched, session.InlineSites);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }
}
