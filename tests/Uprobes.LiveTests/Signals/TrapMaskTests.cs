using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Signals;

/// <summary>
/// Threads that begin and end have all signals blocked for a moment; a breakpoint that is met then has SIGTRAP's action reset by the kernel, for all
/// threads (traps T6). Those that meet breakpoints at the same time must not be taken for ones that block the signal.
/// </summary>
public sealed class TrapMaskTests
{
    private const int Rounds = 4;

    [Fact]
    public void A_thread_that_blocks_nothing_blocks_nothing_whatever_others_do()
    {
        using TargetProcess target = TargetProcess.StartTarget("life");
        string before = ProcessSnapshot.Take(target.Pid).Blocked;
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        int hits = 0, wrong = 0;
        // A thread's last call before it ends, which nearly all signals are blocked for, and what others do meanwhile.
        session.Register(ProbePoint.At("libc", "madvise"), new ProbeHandlers { Pre = static _ => { } });
        session.Register(ProbePoint.At(Targets.Path("life"), "work"), new ProbeHandlers
        {
            Pre = hit =>
            {
                hits++;
                wrong += ProcessSnapshot.Status(hit.ThreadId)["SigBlk"] == before ? 0 : 1;
            },
        });
        for (int round = 0; round < Rounds; round++)
            target.Ask("births 20 10", TimeSpan.FromSeconds(60));
        Assert.Equal((Rounds * 20 * 10 * 10, 0), (hits, wrong));
        session.Dispose();
        Assert.Equal(before, ProcessSnapshot.Take(target.Pid).Blocked);
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }
}
