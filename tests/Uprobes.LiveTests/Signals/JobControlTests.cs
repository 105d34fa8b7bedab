using System.Globalization;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Signals;

/// <summary>Stopped jobs stay stopped, and run when they are continued (traps P4 to P6).</summary>
public sealed class JobControlTests
{
    private const int SIGCONT = 18, SIGSTOP = 19, SIGTSTP = 20;

    [Theory]
    [InlineData(SIGSTOP)]
    [InlineData(SIGTSTP)]
    public void A_probed_process_stops_and_continues(int signal)
    {
        using ProbedTarget target = ProbedTarget.Start("stopjob");
        ProbeRegistration probe = target.Probe([ProbePoint.At(Targets.Path("stopjob"), "tick")])[0];
        for (int round = 0; round < 5; round++)
        {
            target.Process.Signal(signal);
            AwaitStopped(target.Process, signal);
            long hits = probe.Hits;
            using (target.Session.Register(ProbePoint.At(Targets.Path("stopjob"), "main"), new ProbeHandlers { Pre = _ => { } }))
            {
                AwaitStopped(target.Process, signal);
            }

            AwaitStopped(target.Process, signal);
            Assert.Equal(hits, probe.Hits);
            target.Process.Signal(SIGCONT);
            AssertRuns(target.Process);
        }

        target.Detach();
    }

    [Fact]
    public void A_stopped_process_stays_stopped_through_attach_and_detach()
    {
        using TargetProcess target = TargetProcess.StartTarget("stopjob");
        target.Signal(SIGSTOP);
        AwaitStopped(target, SIGSTOP);
        for (int round = 0; round < 3; round++)
        {
            using (UprobeSession session = UprobeSession.Attach(target.Pid))
            {
                using ProbeRegistration probe = session.Register(ProbePoint.At(Targets.Path("stopjob"), "tick"), new ProbeHandlers { Pre = _ => { } });
                Assert.NotEmpty(TextComparison.Compare(target.Pid));
                Assert.Equal(0, probe.Hits);
                Assert.True(IsStopped(target));
            }

            AwaitStopped(target, SIGSTOP);
            TextComparison.AssertSame(target.Pid);
            Assert.Equal('T', ProcessSnapshot.Take(target.Pid).State);
        }

        target.Signal(SIGCONT);
        AssertRuns(target);
    }

    [Fact]
    public void A_process_stopped_under_probes_is_still_stopped_when_they_go()
    {
        using ProbedTarget target = ProbedTarget.Start("stopjob");
        target.Probe(InstructionPoints.Of(Targets.Path("stopjob"), "tick"));
        Progress(target.Process);
        target.Process.Signal(SIGSTOP);
        AwaitStopped(target.Process, SIGSTOP);
        target.Detach();
        Assert.Equal('T', ProcessSnapshot.Take(target.Process.Pid).State);
        target.Process.Signal(SIGCONT);
        AssertRuns(target.Process);
    }

    private static void AssertRuns(TargetProcess target)
    {
        long before = Progress(target);
        Assert.True(Progress(target) > before);
    }

    private static long Progress(TargetProcess target)
    {
        target.Send("progress");
        return long.Parse(target.WaitForLine("progress ").AsSpan("progress ".Length), CultureInfo.InvariantCulture);
    }

    /// <summary>Stopped by job control: T, or t while a tracer listens to the stop.</summary>
    private static bool IsStopped(TargetProcess target) => ProcessSnapshot.Take(target.Pid).State is 'T' or 't';

    /// <summary>
    /// A thread that serves a probe's hit looks stopped as well; one that has taken the signal out of its queue runs no more
    /// instruction of the program before it is continued.
    /// </summary>
    private static void AwaitStopped(TargetProcess target, int signal)
    {
        Assert.True(SpinWait.SpinUntil(IsTaken, TimeSpan.FromSeconds(30)), ProcessSnapshot.StateOf(target.Pid));

        bool IsTaken()
        {
            Dictionary<string, string> status = ProcessSnapshot.Status(target.Pid);
            return status["State"][0] is 'T' or 't' && ((Mask("SigPnd") | Mask("ShdPnd")) & (1UL << (signal - 1))) == 0;
            ulong Mask(string field) => ulong.Parse(status[field], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }
    }
}
