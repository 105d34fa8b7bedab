using System.Numerics;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>Calls that end without returning: longjmp, exceptions, coroutines that are thrown away.</summary>
internal sealed partial class TrapEngine
{
    /// <summary>Words of a jmp_buf before the stack pointer: rbx, rbp, r12 to r15 (glibc and musl alike).</summary>
    private const ulong JumpStackPointer = 6 * sizeof(ulong);

    /// <summary>glibc keeps it as rol(rsp ^ guard, 17), the guard at fs:0x30 (sysdeps/x86_64/pointer_guard.h).</summary>
    private const ulong PointerGuard = 0x30;
    private const int GuardRotation = 17;

    /// <summary>ucontext_t: uc_stack.ss_sp and ss_size, and RSP and RIP among the saved registers (sys/ucontext.h).</summary>
    private const ulong ContextStack = 16, ContextStackSize = 32, ContextStackPointer = 160, ContextInstructionPointer = 168;

    /// <summary>Serves the exits that are over when the hooked function begins, before any consumer of its own is called.</summary>
    private void OnExitReached(SpaceArming space, TracedThread thread, ThreadArming state, ExitHookKind kind)
    {
        ThreadRegisters registers = _hit.Registers;
        switch (kind)
        {
            case ExitHookKind.Throw:
                // Called from a landing pad, it tells that the frames below the pad's have been left.
                LeaveThrownFrames(space, thread, state, registers.Rsp + sizeof(ulong));
                state.ThrownFrom = registers.Rsp;
                break;
            case ExitHookKind.Catch:
                LeaveThrownFrames(space, thread, state, registers.Rsp + sizeof(ulong));
                state.ThrownFrom = 0;
                break;
            case ExitHookKind.MakeContext:
                if (space.TryReadWord(registers.Rdi + ContextStack, out ulong low) && space.TryReadWord(registers.Rdi + ContextStackSize, out ulong size)
                    && low + size > low)
                {
                    space.Stacks.AddCoroutine(low, size);
                    space.Returns.DropFrames(thread.Process.ProcessId, low, low + size);
                }

                break;
        }
    }

    /// <summary>Serves the exits that begin with the hooked function: a call of it that is followed is left as well.</summary>
    private void OnExitBegins(SpaceArming space, TracedThread thread, ThreadArming state, ExitHookKind kind)
    {
        ThreadRegisters registers = _hit.Registers;
        if (kind == ExitHookKind.LongJump)
        {
            if (space.TryReadWord(registers.Rdi + JumpStackPointer, out ulong word))
                Jump(space, thread, state, word);
        }
        else if (kind == ExitHookKind.SetContext && space.TryReadWord(registers.Rdi + ContextStackPointer, out ulong target)
            && space.TryReadWord(registers.Rdi + ContextInstructionPointer, out ulong rip)
            && TryFindStack(space, thread, state, registers.Rsp, out StackExtent from) && from.Holds(target))
        {
            // A context that swapcontext saved goes on where that call returns: it is the one that has not been left.
            space.Returns.DropFrames(thread.Process.ProcessId, registers.Rsp, target,
                p => IsOn(space, from, p) && (p.StackPointer != target || p.ReturnAddress != rip));
        }
    }

    private void Jump(SpaceArming space, TracedThread thread, ThreadArming state, ulong word)
    {
        ThreadRegisters registers = _hit.Registers;
        ulong plain = word;
        bool hasGuard = space.TryReadWord(registers.FsBase + PointerGuard, out ulong guard);
        ulong target = hasGuard ? BitOperations.RotateRight(word, GuardRotation) ^ guard : plain;
        // musl's is the plain one. The wrong reading of a word is no stack's address.
        if (!TryFindStack(space, thread, state, target, out StackExtent to))
        {
            target = plain;
            if (!TryFindStack(space, thread, state, target, out to))
                return;
        }

        if (to.Holds(registers.Rsp))
            space.Returns.DropFrames(thread.Process.ProcessId, registers.Rsp, target, p => IsOn(space, to, p));
        else if (to.Owner == StackOwner.Thread)
            // From a signal's stack or a coroutine's back to the thread's own: all below has been left there.
            space.Returns.DropFrames(thread.Process.ProcessId, to.Low, target, p => IsOn(space, to, p));
    }

    /// <summary>Drops the frames between the place where an exception was thrown and one that the thread has come to on the same stack.</summary>
    private void LeaveThrownFrames(SpaceArming space, TracedThread thread, ThreadArming state, ulong reached)
    {
        if (state.ThrownFrom != 0 && reached > state.ThrownFrom && TryFindStack(space, thread, state, state.ThrownFrom, out StackExtent stack)
            && stack.Holds(reached))
            space.Returns.DropFrames(thread.Process.ProcessId, state.ThrownFrom, reached, p => IsOn(space, stack, p));
    }

    /// <summary>A coroutine's stack may lie inside another stack.</summary>
    private static bool IsOn(SpaceArming space, StackExtent stack, PendingReturn call) =>
        stack.Owner == StackOwner.Coroutine || !space.Stacks.IsInCoroutine(call.StackPointer);

    private bool TryFindStack(SpaceArming space, TracedThread thread, ThreadArming state, ulong stackPointer, out StackExtent stack)
    {
        IReadOnlyList<Mapping>? mappings = null;
        IReadOnlyList<Mapping> Mappings() => mappings ??= MappingParser.ReadProcess(thread.ThreadId);
        stack = default;
        if (stackPointer % sizeof(ulong) != 0)
            return false;
        if (!state.IsOwnStackKnown)
        {
            state.IsOwnStackKnown = true;
            state.OwnStack = StackMap.OwnStack(Mappings(), thread.ThreadId == thread.Process.ProcessId, state.FsBase);
        }

        return space.Stacks.TryFind(stackPointer, state.OwnStack, Mappings, out stack);
    }

    /// <summary>
    /// Judges an entry at whose place of the stack other calls await the same return: whether those have been left, or have
    /// handed their place on by tail calls.
    /// </summary>
    private bool IsNewCall(SpaceArming space, TracedThread thread, ThreadArming state, PendingReturn arriving, IReadOnlyList<PendingReturn> pending)
    {
        if (space.CallWatches.TryGetValue(arriving.ReturnAddress, out bool isArmed) && isArmed)
            return false; // Had the calling instruction run again, they would have been dropped then.
        bool isKnown = TryFindStack(space, thread, state, arriving.StackPointer, out StackExtent stack);
        bool isDirect = WatchCall(space, thread.Process, arriving);
        if (isKnown && stack.Owner == StackOwner.Thread && pending[^1].ThreadId != arriving.ThreadId)
            return true; // Nobody else returns on this thread's own stack.
        if (isKnown && stack.Owner != StackOwner.Other && space.KnowsJumps)
            return false; // All exits from there have been seen.
        return isDirect && pending.All(p => p.Function == arriving.Function);
    }

    /// <summary>Puts a breakpoint on the instruction that makes a call, so that from now on a new call is known by it.</summary>
    /// <returns>Whether the call names the function.</returns>
    private static bool WatchCall(SpaceArming space, TracedProcess process, PendingReturn call)
    {
        if (!DirectCalls.TryFind(space, call.ReturnAddress, call.Function, out ulong address))
            return false;
        if (space.CallWatches.ContainsKey(call.ReturnAddress))
            return true;
        Site? site = space.TryFindExecutable(address, out Mapping mapping) ? space.ArmInternal(process, mapping, address) : null;
        space.CallWatches.Add(call.ReturnAddress, site is not null);
        if (site is not null)
            site.WatchesCall = true;
        return true;
    }

    /// <summary>Takes the breakpoints on exits out again, when no calls are followed any more.</summary>
    private static void DisarmExitHooks(SpaceArming space)
    {
        space.ForgetExitHooks();
        foreach (Site site in space.Sites)
        {
            if (site.ExitHook == ExitHookKind.None && !site.WatchesCall)
                continue;
            site.ExitHook = ExitHookKind.None;
            site.WatchesCall = false;
            if (!site.IsWanted)
                space.Disarm(site);
        }
    }

    /// <summary>Drops what a thread that is gone has left, but for calls in coroutines, which other threads may go on with.</summary>
    private static void DropCallsOf(SpaceArming space, TracedThread thread)
    {
        if (!space.Returns.HasCallsOf(thread.ThreadId))
            return;
        TracedProcess process = thread.Process;
        List<Mapping> mappings = process.LiveThread() is { } other ? MappingParser.ReadProcess(other.ThreadId) : [];
        ThreadArming? state = thread.EngineState as ThreadArming;
        StackExtent? own = state is null ? null
            : state.IsOwnStackKnown ? state.OwnStack : StackMap.OwnStack(mappings, thread.ThreadId == process.ProcessId, state.FsBase);
        space.Returns.DropThread(thread.ThreadId, sp => own is { } stack && mappings.Exists(m => m.Contains(sp - 1))
            && (!stack.Holds(sp) || space.Stacks.IsInCoroutine(sp)));
    }
}
