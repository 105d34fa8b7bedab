using Uprobes.Arming.Inline;
using Uprobes.Channels;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.WriteGuards;
using Uprobes.Programs;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>Counts made in the target.</summary>
public sealed class CountTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Fact]
    public void Calls_of_many_threads_are_counted_without_a_stop()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using ProgramRun run = InlineKit.CountRun(1);
        RegistrationResult result = session.RegisterAll([InlineKit.Count(run, 0, ProbePoint.At("threads", "work"))]);
        Assert.Empty(result.Refusals);
        Assert.Equal(1, session.InlineSites);
        Assert.EndsWith("400000", target.Ask("go 4 100000"), StringComparison.Ordinal);
        Assert.Equal(400_000ul, InlineKit.Total(run));
        session.UnregisterAll(result.Registrations);
        Assert.EndsWith("400000", target.Ask("go 4 100000"), StringComparison.Ordinal);
        Assert.Equal(400_000ul, InlineKit.Total(run));
    }

    [Fact]
    public void Probes_come_and_go_while_threads_run()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        target.Ask("spin 2");
        for (int i = 0; i < 50; i++)
        {
            using ProgramRun run = InlineKit.CountRun(1);
            RegistrationResult result = session.RegisterAll([InlineKit.Count(run, 0, ProbePoint.At("threads", "work"))]);
            Assert.Empty(result.Refusals);
            Assert.Equal(1, session.InlineSites);
            ulong before = InlineKit.Total(run);
            Eventually.Holds(() => InlineKit.Total(run) > before, "hits are counted");
            session.UnregisterAll(result.Registrations);
            ulong after = InlineKit.Total(run);
            Assert.Equal(0, session.InlineSites);
            Assert.Equal(after, InlineKit.Total(run));
        }

        Assert.NotEqual("", target.Ask("stop"));
    }
}
