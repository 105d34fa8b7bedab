using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Signals;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>Signals that meet threads in trampolines (rule 1: the target cannot tell).</summary>
public sealed class SignalTests : IDisposable
{
    private static readonly string[] Busy = ["work", "t_red", "t_wide", "t_loop", "t_load"];
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Theory]
    [InlineData(ProgramKind.Count, "timer 3000")]
    [InlineData(ProgramKind.Histogram, "itimer 1500")]
    [InlineData(ProgramKind.Keyed, "timer 3000")]
    [InlineData(ProgramKind.Event, "timer 3000")]
    [InlineData(ProgramKind.Event, "prof 200")]
    [InlineData(ProgramKind.Count, "rt 3000")]
    [InlineData(ProgramKind.Keyed, "rt 3000")]
    [InlineData(ProgramKind.Event, "rt 3000")]
    [InlineData(ProgramKind.Loop, "rt 3000")]
    public void No_signal_is_lost_and_values_come_in_order(ProgramKind kind, string command)
    {
        using ProbedTarget target = ProbedTarget.StartWarm("rt 10", "signals");
        using KindRun run = new(kind, 1);
        Register(target.Session, run, [ProbePoint.At("signals", "work")]);
        Assert.Equal(1, target.Session.InlineSites);
        AssertNothingWrong(target, command);
        Assert.True(run.Total() > 0);
        target.Detach();
        Assert.Equal("0", target.Process.Ask("rt 100"));
    }

    [Theory]
    [InlineData(ProgramKind.Count, "storm 10000 5000")]
    [InlineData(ProgramKind.Histogram, "storm 10000 5000")]
    [InlineData(ProgramKind.Keyed, "storm 10000 5000")]
    [InlineData(ProgramKind.Event, "storm 10000 5000")]
    [InlineData(ProgramKind.Loop, "storm 10000 1000")]
    [InlineData(ProgramKind.Count, "crowd 5000 2000")]
    [InlineData(ProgramKind.Keyed, "crowd 5000 2000")]
    [InlineData(ProgramKind.Event, "crowd 5000 2000")]
    [InlineData(ProgramKind.Count, "leap 2000")]
    [InlineData(ProgramKind.Keyed, "leap 2000")]
    [InlineData(ProgramKind.Event, "leap 2000")]
    [InlineData(ProgramKind.Loop, "leap 500")]
    [InlineData(ProgramKind.Count, "stops 100")]
    [InlineData(ProgramKind.Event, "stops 100")]
    public void Handlers_never_see_a_trampoline(ProgramKind kind, string command)
    {
        using ProbedTarget target = ProbedTarget.StartWarm("crowd 500 5", "tremor");
        using KindRun run = new(kind, Busy.Length);
        Register(target.Session, run, [.. Busy.Select(f => ProbePoint.At("tremor", f))]);
        Assert.Equal(Busy.Length, target.Session.InlineSites);
        AssertNothingWrong(target, command);
        Assert.True(run.Total() > 0);
        target.Detach();
        Assert.Equal("0", target.Process.Ask("storm 5000 100"));
    }

    [Theory]
    [InlineData(ProgramKind.Count)]
    [InlineData(ProgramKind.Keyed)]
    public void Single_instructions_inside_leaf_functions_are_met_by_signals(ProgramKind kind)
    {
        using ProbedTarget target = ProbedTarget.StartWarm("crowd 500 5", "tremor");
        ProbePoint[] points = [.. Busy.Take(4).SelectMany(f => InstructionPoints.LongOnes(Targets.Path("tremor"), f, 5))];
        using KindRun run = new(kind, points.Length);
        Register(target.Session, run, points);
        Assert.True(target.Session.InlineSites >= 8, $"{target.Session.InlineSites} of {points.Length}");
        AssertNothingWrong(target, "storm 5000 2000");
        AssertNothingWrong(target, "crowd 5000 1000");
        Assert.DoesNotContain(0ul, run.Hits());
        target.Detach();
    }

    [Fact]
    public void Patches_come_and_go_under_a_storm_of_signals()
    {
        using TargetProcess target = TargetProcess.StartTarget("tremor");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        target.Send("crowd 5000 8000");
        for (int round = 0; round < 60; round++)
        {
            using KindRun run = new((ProgramKind)(round % 4), Busy.Length);
            IReadOnlyList<ProbeRegistration> probes = Register(session, run, [.. Busy.Select(f => ProbePoint.At("tremor", f))]);
            SpinWait.SpinUntil(() => run.Total() > 1000, 1000);
            using KindRun second = new((ProgramKind)((round + 1) % 4), 2);
            IReadOnlyList<ProbeRegistration> more = Register(session, second, [.. Busy.Take(2).Select(f => ProbePoint.At("tremor", f))]);
            SpinWait.SpinUntil(() => second.Total() > 1000, 1000);
            session.UnregisterAll(round % 2 == 0 ? probes : more);
            session.UnregisterAll(round % 2 == 0 ? more : probes);
        }

        Assert.Equal("result 0", target.WaitForLine("result ", Long));
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
    }

    [Theory]
    [InlineData("fault 300", "t_load", "t_second")]
    [InlineData("store 300", "t_store")]
    [InlineData("divide 300", "t_divide")]
    public void Faults_of_displaced_instructions_are_told_of_where_they_stand_and_are_mended(string command, params string[] functions)
    {
        foreach (ProgramKind kind in Enum.GetValues<ProgramKind>())
        {
            using ProbedTarget target = ProbedTarget.StartWarm(command.Split(' ')[0] + " 1", "tremor");
            using KindRun run = new(kind, functions.Length);
            Register(target.Session, run, [.. functions.Select(f => ProbePoint.At("tremor", f))]);
            Assert.Equal(functions.Length, target.Session.InlineSites);
            AssertNothingWrong(target, command);
            Assert.All(run.Hits(), hits => Assert.Equal(300ul, hits));
            target.Detach();
        }
    }

    [Theory]
    [InlineData(ProgramKind.Count)]
    [InlineData(ProgramKind.Event)]
    public void A_displaced_system_call_is_restarted_after_handlers_and_counted_once(ProgramKind kind)
    {
        using ProbedTarget target = ProbedTarget.StartWarm("deep 2 1", "tremor");
        using KindRun run = new(kind, 1);
        Register(target.Session, run, [ProbePoint.At("tremor", "t_syscall")]);
        AssertNothingWrong(target, "restart 200");
        Assert.Equal(1ul, run.Total());
        target.Detach();
    }

    [Theory]
    [InlineData(ProgramKind.Count)]
    [InlineData(ProgramKind.Histogram)]
    [InlineData(ProgramKind.Keyed)]
    [InlineData(ProgramKind.Event)]
    public void The_end_of_a_stack_is_met_in_the_programs_own_text(ProgramKind kind)
    {
        using ProbedTarget target = ProbedTarget.StartWarm("overflow 1", "tremor");
        using KindRun run = new(kind, 1);
        Register(target.Session, run, [ProbePoint.At("tremor", "down")]);
        Assert.Equal(1, target.Session.InlineSites);
        AssertNothingWrong(target, "overflow 128");
        ulong before = run.Total();
        Assert.Equal("0", target.Process.Ask("deep 5000 20", Long));
        Assert.Equal(before + (20 * 5001), run.Total());
        target.Detach();
    }

    private static void AssertNothingWrong(ProbedTarget target, string command)
    {
        string answer = target.Process.Ask(command, Long);
        Assert.True(answer == "0", $"{answer} wrong; notices: {string.Join('\n', target.Notices)}; {target.Process.Output}{target.Process.Errors}");
    }

    private static IReadOnlyList<ProbeRegistration> Register(UprobeSession session, KindRun run, IReadOnlyList<ProbePoint> points)
    {
        RegistrationResult result = session.RegisterAll([.. points.Select((p, i) => InlineKit.Count(run.Run, i, p))]);
        Assert.Empty(result.Refusals);
        return result.Registrations;
    }
}
