namespace Uprobes.LiveTests.Signals;

/// <summary>Signals that arrive at any instruction, in slots above all (traps T5).</summary>
public sealed class TimerSignalTests
{
    [Theory]
    [InlineData("timer 3000")]
    [InlineData("itimer 1500")]
    [InlineData("prof 300")]
    [InlineData("rt 3000")]
    public void Handlers_never_see_a_slot_and_no_signal_is_lost_while_every_instruction_is_probed(string command)
    {
        using ProbedTarget target = ProbedTarget.StartWarm("rt 10", "signals");
        IReadOnlyList<ProbeRegistration> probes = target.Probe(InstructionPoints.Of(Kit.Targets.Path("signals"), "work"));
        Assert.Equal("0", target.Process.Ask(command, TimeSpan.FromSeconds(60)));
        long[] hits = [.. probes.Select(p => p.Hits)];
        Assert.True(hits[0] > 0);
        // The function has no branch: each of its instructions ran as often as the first, and is counted once for each run,
        // however often a signal took the thread back to it.
        Assert.All(hits, count => Assert.Equal(hits[0], count));
        target.Detach();
        Assert.Equal("0", target.Process.Ask("rt 100"));
    }

    [Fact]
    public void Post_handlers_run_once_for_each_instruction_under_a_storm_of_signals()
    {
        using ProbedTarget target = ProbedTarget.StartWarm("rt 10", "signals");
        long pre = 0, post = 0;
        target.Probe(InstructionPoints.Of(Kit.Targets.Path("signals"), "work"), new ProbeHandlers { Pre = _ => pre++, Post = _ => post++ });
        Assert.Equal("0", target.Process.Ask("timer 1500", TimeSpan.FromSeconds(60)));
        Assert.Equal("0", target.Process.Ask("rt 1000", TimeSpan.FromSeconds(60)));
        Assert.True(pre > 0);
        Assert.Equal(pre, post);
        target.Detach();
    }

    [Fact]
    public void No_signal_is_lost_while_sessions_come_and_go()
    {
        using Kit.TargetProcess target = Kit.TargetProcess.StartTarget("signals");
        IReadOnlyList<ProbePoint> points = InstructionPoints.Of(Kit.Targets.Path("signals"), "work");
        target.Send("rt 40000");
        for (int round = 0; round < 25; round++)
        {
            using UprobeSession session = UprobeSession.Attach(target.Pid);
            session.RegisterAll([.. points.Select(p => new ProbeRequest(p, new ProbeHandlers { Pre = _ => { } }))]);
        }

        Assert.Equal("result 0", target.WaitForLine("result ", TimeSpan.FromSeconds(60)));
        Kit.TextComparison.AssertSame(target.Pid);
    }
}
