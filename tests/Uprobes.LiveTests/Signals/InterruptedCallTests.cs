using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Signals;

/// <summary>Threads that sleep in system calls while probes come and go (traps P10, R1 to R3).</summary>
public sealed class InterruptedCallTests
{
    [Fact]
    public void No_blocked_call_returns_early_or_with_another_result()
    {
        using TargetProcess target = TargetProcess.StartTarget("interrupted");
        target.Send("go 3000");
        target.WaitForLine("blocked");
        ProbePoint point = ProbePoint.At(Targets.Path("interrupted"), "now_ms");
        for (int round = 0; round < 10; round++)
        {
            using UprobeSession session = UprobeSession.Attach(target.Pid);
            for (int again = 0; again < 3; again++)
            {
                using ProbeRegistration registration = session.Register(point, new ProbeHandlers { Pre = _ => { } });
            }
        }

        string result = target.WaitForLine("result ", TimeSpan.FromSeconds(60));
        Assert.True(result == "result 0", target.Output);
        TextComparison.AssertSame(target.Pid);
    }
}
