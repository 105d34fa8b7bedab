using System.Diagnostics;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>
/// Mends what the kernel does when a breakpoint is met while SIGTRAP is blocked: it resets the signal's action and unblocks it,
/// tracer or not (kernel/signal.c force_sig_info_to_task; traps T6). On the tracer thread only.
/// </summary>
internal static class TrapDispositions
{
    /// <summary>With so many signals blocked the program blocks all but a few, SIGTRAP among them.</summary>
    private const int NearlyAll = 56;
    private static readonly long Interval = Stopwatch.Frequency / 50;

    /// <summary>Looks whether the action was reset by the hit that is being served, and puts action and mask back.</summary>
    internal static void Repair(ArmingServices services, SpaceArming space, TracedThread thread, ThreadArming state)
    {
        if (space.Net is not { } net || Ptrace.GetSignalMask(thread.ThreadId, out ulong mask) != 0)
            return;
        // Whether SIGTRAP was blocked is to be seen only from its action, and reading that takes several times as long as the
        // hit: it is read where the mask is another than it was at the last look, where the signal was blocked then, and
        // otherwise now and then, for programs that block just this one signal.
        long now = Stopwatch.GetTimestamp();
        if (!state.ExpectsBlocked && mask == state.CheckedMask && !IsNearlyAll(mask) && now - state.LastMaskCheck < Interval)
            return;
        state.LastMaskCheck = now;
        state.CheckedMask = mask;
        if (ThreadStatus.TryRead(thread.ThreadId) is not { } status)
            return;
        bool isPutRight = state.IsResetByThis;
        state.IsResetByThis = false;
        if (status.IsCaught(Signal.SIGTRAP) && !(isPutRight && IsNearlyAll(mask)))
        {
            state.ExpectsBlocked = false;
            return;
        }

        if (ProcessArming.Of(thread.Process).OwnDisposition is null)
        {
            bool wasBlocked = IsNearlyAll(mask) || state.ExpectsBlocked || (ProcessArming.Of(thread.Process).HasHandler && !IsResetByAnother(thread));
            if (!status.IsCaught(Signal.SIGTRAP))
                _ = net.Install(services, thread); // A process that is gone needs it no more; a refusal leaves what the kernel did.
            state.ExpectsBlocked = wasBlocked;
            if (!wasBlocked)
                return;
        }
        else if (!IsNearlyAll(mask))
        {
            return; // No handler stands there that could have been reset: nothing tells.
        }

        _ = Ptrace.SetSignalMask(thread.ThreadId, mask | Signal.Bit(Signal.SIGTRAP));
    }

    /// <summary>
    /// Whether it was another thread that has met a breakpoint with SIGTRAP blocked, and has not been served yet: in the middle of pthread_create(3), say,
    /// where all signals are. The action is common to all threads, and its mask is put right when its turn comes.
    /// </summary>
    private static bool IsResetByAnother(TracedThread thread)
    {
        bool isFound = false;
        foreach (TracedThread other in thread.Process.Threads.Values)
        {
            if (other == thread || other.State != TraceState.Running || ThreadStatus.TryRead(other.ThreadId) is not { } status
                || status.IsBlocked(Signal.SIGTRAP) || !IsNearlyAll(status.Blocked))
                continue;
            ThreadArming.Of(other).IsResetByThis = isFound = true;
        }

        return isFound;
    }

    /// <summary>Whether the hit behind the program's own choice of an action met SIGTRAP blocked; before the choice is put in force again.</summary>
    internal static bool WasBlocked(TracedThread thread, ThreadArming state, ProgramDisposition chosen)
    {
        if (chosen.IsCaught)
            return ThreadStatus.TryRead(thread.ThreadId) is { } status && !status.IsCaught(Signal.SIGTRAP);
        return state.ExpectsBlocked || (Ptrace.GetSignalMask(thread.ThreadId, out ulong mask) == 0 && IsNearlyAll(mask));
    }

    /// <summary>A SIGTRAP of the program's own is about to be delivered: its handler has to be in force.</summary>
    /// <returns>Whether to deliver it now. If not, it comes again.</returns>
    internal static bool PrepareDelivery(ArmingServices services, SpaceArming space, TracedThread thread, ThreadArming state)
    {
        if (state.HeldTrap is { } held)
        {
            state.HeldTrap = null;
            _ = Ptrace.SetSignalInfo(thread.ThreadId, held); // ESRCH: killed meanwhile.
            return true;
        }

        if (space.Net is not { Disposition: { IsCaught: true, Action: not null } } net || ProcessArming.Of(thread.Process).OwnDisposition is not null
            || Ptrace.GetSignalMask(thread.ThreadId, out ulong mask) != 0 || ThreadStatus.TryRead(thread.ThreadId) is not { } status)
            return true;
        // The action may have been reset by a hit in another thread. Where this thread blocks the signal, its own
        // breakpoint instruction has reset it, and kills as it does without probes.
        bool wasBlocked = state.ExpectsBlocked || IsNearlyAll(mask);
        state.ExpectsBlocked = true; // While the handler runs.
        if (wasBlocked || status.IsCaught(Signal.SIGTRAP) || Ptrace.GetSignalInfo(thread.ThreadId, out Ptrace.SignalInfo info) != 0)
            return true;
        // The remote call ends in another stop, from which no signal is delivered: the thread gets it once more.
        if (!net.Install(services, thread).IsSuccess || Tasks.KillThread(thread.Process.ProcessId, thread.ThreadId, Signal.SIGTRAP) != 0)
            return true;
        state.HeldTrap = info;
        return false;
    }

    private static bool IsNearlyAll(ulong mask) => System.Numerics.BitOperations.PopCount(mask) >= NearlyAll;
}
