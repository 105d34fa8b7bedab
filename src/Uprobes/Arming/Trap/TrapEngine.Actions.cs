using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>The program's own action for SIGTRAP, which ours stands in for.</summary>
internal sealed partial class TrapEngine
{
    /// <summary>Follows the program's own calls that ask for SIGTRAP's action or set it.</summary>
    /// <returns>Whether action and mask are right.</returns>
    private bool ServeActionHook(SpaceArming space, TracedThread thread, Site site, ThreadArming state, in UserRegisters registers)
    {
        if (site.Hook is not (MappingHookKind.SignalAction or MappingHookKind.SignalActionEntry) || (uint)registers.Rdi != Signal.SIGTRAP)
            return false;
        if (site.Hook == MappingHookKind.SignalActionEntry)
        {
            space.AwaitActionCall(thread.Process);
            return false;
        }

        bool isRight = FollowSignalAction(space, thread, state, registers);
        space.EndActionCall();
        return isRight;
    }

    /// <summary>
    /// A C library has just asked for a signal's action, or set it: rdi is the signal, rsi where the new action is, rdx where
    /// the former one is now. The program sees its own, and what it sets is followed.
    /// </summary>
    /// <returns>Whether it has set SIGTRAP's; then action and mask are right.</returns>
    private bool FollowSignalAction(SpaceArming space, TracedThread thread, ThreadArming threadState, in UserRegisters registers)
    {
        if ((uint)registers.Rdi != Signal.SIGTRAP || registers.Rax != 0 || space.Net is not { } net)
            return false;
        TraceeMemory memory = thread.Process.Space.Memory;
        ProcessArming state = ProcessArming.Of(thread.Process);
        ProgramDisposition former = state.OwnDisposition ?? net.Disposition;
        ProgramDisposition? chosen = registers.Rsi == 0 ? null : ReadChosen(thread, registers);
        if (registers.Rdx != 0 && former.Action is { } action)
            _ = memory.WriteAll(new RemoteAddress(registers.Rdx), action); // The kernel has just written there.
        if (chosen is null)
            return false;
        // The breakpoint behind the call has reset what the call set, if the signal is blocked or was just ignored.
        bool wasBlocked = TrapDispositions.WasBlocked(thread, threadState, chosen);
        if (thread.Process.BorrowsSpace)
        {
            state.OwnDisposition = chosen;
            if (chosen.Action is { } own)
                _ = SignalActions.SetTrapDisposition(_services, thread, own);
        }
        else
        {
            _ = net.Adopt(_services, thread, chosen); // A process that is gone needs it no more.
        }

        threadState.ExpectsBlocked = wasBlocked;
        if (wasBlocked && Ptrace.GetSignalMask(thread.ThreadId, out ulong mask) == 0)
            _ = Ptrace.SetSignalMask(thread.ThreadId, mask | Signal.Bit(Signal.SIGTRAP));
        return true;
    }

    /// <summary>What the program gave to the kernel; what the kernel has where the result was written over it.</summary>
    private ProgramDisposition ReadChosen(TracedThread thread, in UserRegisters registers)
    {
        byte[] action = new byte[ProgramDisposition.ActionSize];
        return registers.Rsi != registers.Rdx && thread.Process.Space.Memory.Read(new RemoteAddress(registers.Rsi), action) == action.Length
            ? ProgramDisposition.Of(action)
            : SignalActions.ReadTrapDisposition(_services, thread);
    }

    /// <summary>An ignored signal stays ignored in the program that is executed (execve(2)); our handler in its place does not.</summary>
    private void KeepIgnored(TracedProcess process)
    {
        ProcessArming state = ProcessArming.Of(process);
        bool wasIgnored = state.WasIgnored;
        state.WasIgnored = false;
        if (wasIgnored && process.LiveThread() is { State: TraceState.Stopped } thread
            && ThreadStatus.TryRead(thread.ThreadId) is { } status && !status.IsIgnored(Signal.SIGTRAP)
            && !SignalActions.SetTrapDisposition(_services, thread, ProgramDisposition.Ignored.Action!))
            _events.OnNotice("SIGTRAP, which the program before this one ignored, could not be ignored again", process.ProcessId);
    }
}
