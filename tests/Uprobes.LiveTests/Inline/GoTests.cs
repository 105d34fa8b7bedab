using System.Globalization;
using Uprobes.LiveTests.Following;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Inline;

/// <summary>Programs of another language, whose stacks move and are walked by return addresses (Go).</summary>
public sealed class GoTests : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Theory]
    [InlineData(ProgramKind.Count, "main.work", "go 50", "panics 50", "collect 20000")]
    [InlineData(ProgramKind.Keyed, "main.work", "go 50", "panics 50", "collect 20000")]
    [InlineData(ProgramKind.Event, "main.work", "go 50", "panics 50", "collect 5000")]
    [InlineData(ProgramKind.Count, "main.down", "grow 100000")]
    [InlineData(ProgramKind.Event, "main.down", "grow 5000")]
    public void Calls_are_counted_exactly_while_stacks_grow_and_panics_are_recovered(ProgramKind kind, string function, params string[] commands)
    {
        using TargetProcess target = TargetProcess.StartTarget("gopher");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using LifeRun run = new(kind);
        Assert.Empty(session.RegisterAll([run.At("gopher", function)]).Refusals);
        foreach (string command in commands)
        {
            ulong before = run.Total(), calls = ulong.Parse(target.Ask(command, Long), CultureInfo.InvariantCulture);
            // A stack that has no room is grown by calling the function anew from its beginning.
            Assert.InRange(run.Total() - before, calls, function == "main.down" ? calls + 40 : calls);
        }

        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public void Calls_that_are_followed_do_no_harm()
    {
        using TargetProcess target = TargetProcess.StartTarget("gopher");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using LifeRun run = new(null);
        Assert.Empty(session.RegisterAll([run.At("gopher", "main.work")]).Refusals);
        Assert.Equal(0, session.InlineSites);
        foreach (string command in (string[])["go 10", "panics 20", "collect 1000"])
        {
            ulong before = run.Total(), calls = ulong.Parse(target.Ask(command, Long), CultureInfo.InvariantCulture);
            // One that is taken off its thread right at the breakpoint, and goes on upon another, meets it again there.
            Assert.InRange(run.Total() - before, calls, calls + 20);
        }

        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
    }
}
