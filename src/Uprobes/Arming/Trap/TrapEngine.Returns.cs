using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>Returns of followed calls.</summary>
internal sealed partial class TrapEngine
{
    /// <summary>How far above the awaited stack pointer a return may leave it: <c>ret n</c> takes the arguments off.</summary>
    private const ulong LargestPop = 256;

    private bool TakeReturns(SpaceArming space, TracedThread thread, Site site)
    {
        ulong rsp = _hit.Registers.Rsp;
        int process = thread.Process.ProcessId;
        if (space.Returns.TryTake(process, rsp, site.Address, _taken))
            return true;
        for (ulong popped = sizeof(ulong); popped <= LargestPop && space.Returns.Count > 0; popped += sizeof(ulong))
        {
            // A call that took its arguments off has left its return address below them.
            if (space.Returns.HasCallsAt(rsp - popped) && space.TryReadWord(rsp - popped - sizeof(ulong), out ulong word) && word == site.Address
                && space.Returns.TryTake(process, rsp - popped, site.Address, _taken))
                return true;
        }

        return false;
    }

    /// <summary>Arms the return address of the call that begins here, and remembers the call.</summary>
    private void FollowReturns(SpaceArming space, TracedThread thread, Site entry, ThreadArming state)
    {
        ulong rsp = _hit.Registers.Rsp;
        TracedProcess process = thread.Process;
        string? obstacle = null;
        Site? site = null;
        if (!_hit.Memory.TryReadWord(new RemoteAddress(rsp), out ulong returnAddress))
            obstacle = "the return address cannot be read";
        else if ((returnAddress = space.Inline.ResolveReturn(returnAddress)) == 0)
            obstacle = "the return address cannot be read";
        else if (!space.TryFindExecutable(returnAddress, out Mapping mapping) && !TryFindAnew(space, process, returnAddress, out mapping))
            obstacle = $"it returns to 0x{returnAddress:x}, which is not executable";
        else if (!mapping.HasFile && mapping.Path != "[vdso]")
            obstacle = "its caller is code made at run time, whose bytes may change at any moment";
        else if ((site = space.ArmInternal(process, mapping, returnAddress)) is null)
            obstacle = $"no breakpoint can be put at its return address 0x{returnAddress:x} in {mapping.Path}";
        if (site is null)
        {
            foreach ((IReturnSink sink, _) in _hit.ReturnRequests)
                sink.OnReturnLost(obstacle!, process.ProcessId);
            return;
        }

        space.EnsureExitHooks(process);
        if (entry.ExitHook == ExitHookKind.None && state.ThrownFrom != 0)
        {
            LeaveThrownFrames(space, thread, state, rsp + sizeof(ulong)); // A call from the frame that the exception came to.
            if (rsp > state.ThrownFrom)
                state.ThrownFrom = 0;
        }

        List<PendingReturn> calls = [];
        foreach ((IReturnSink sink, object? given) in _hit.ReturnRequests)
        {
            (site.ReturnSinks ??= []).Add(sink);
            calls.Add(new PendingReturn(
                returnAddress, rsp + sizeof(ulong), entry.Address, process.ProcessId, thread.ThreadId, _hit.Timestamp, sink, given));
        }

        space.Returns.Push(calls, pending => IsNewCall(space, thread, state, calls[0], pending));
    }

    private static bool TryFindAnew(SpaceArming space, TracedProcess process, ulong address, out Mapping mapping)
    {
        space.Rescan(process);
        return space.TryFindExecutable(address, out mapping);
    }
}
