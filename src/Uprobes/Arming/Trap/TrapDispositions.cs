using System.Diagnostics;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>
/// Mends what the kernel does when a breakpoint is met while SIGTRAP is blocked: it resets the signal's action and unblocks it,
/// tracer or not (kernel/signal.c force_sig_info_to_task; traps T6). On the tracer thread only.
/// </summary>
internal sealed class TrapDispositions
{
    /// <summary>With so many signals blocked the program blocks all but a few, SIGTRAP among them.</summary>
    private const int NearlyAll = 56;
    private static readonly long Interval = Stopwatch.Frequency / 50;

    /// <summary>Looks whether the action was reset by the hit that is being served, and puts action and mask back.</summary>
    internal void Repair(ArmingServices services, SpaceArming space, TracedThread thread, ThreadArming state)
    {
        if (space.Net is not { } net || Ptrace.GetSignalMask(thread.ThreadId, out ulong mask) != 0)
            return;
        // Whether SIGTRAP was blocked is to be seen only from its action, and reading that takes several times as long as the
        // hit: it is read where it is likely, and otherwise now and then.
        long now = Stopwatch.GetTimestamp();
        if (System.Numerics.BitOperations.PopCount(mask) < NearlyAll && now - state.LastMaskCheck < Interval)
            return;
        state.LastMaskCheck = now;
        if (ThreadStatus.TryRead(thread.ThreadId) is not { } status || status.IsCaught(Signal.SIGTRAP))
            return;
        if (net.Disposition is { IsCaught: true, Action: null })
            return;
        _resets++;
        _ = net.Install(services, thread); // A process that is gone needs it no more; a refusal leaves what the kernel did.
        _ = Ptrace.SetSignalMask(thread.ThreadId, mask | Signal.Bit(Signal.SIGTRAP));
    }

    private long _resets;

    /// <summary>How often the kernel's reset was undone.</summary>
    internal long Resets => _resets;
}
