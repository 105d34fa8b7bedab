using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>Leaving: takes everything of ours out of a tracee, and the copies that forked children have.</summary>
internal sealed partial class SpaceArming
{
    /// <summary>Takes all breakpoints out. Threads may go on running.</summary>
    internal void DisarmAll(TracedProcess process)
    {
        _ = TryLook(process, default, out _); // A range that is mapped to something else by now must not be written to.
        Inline.RemoveAll(process);
        foreach (Site site in _sites.Values)
        {
            bool wasArmed = site.State == SiteState.Armed;
            if (wasArmed && !Disarm(site) && site.Point is { } point)
                _services.Catalog.OnSiteLost(point, "its breakpoint was no longer in the text", process.ProcessId);
            site.Point = null;
            site.ReturnSinks = null;
            site.Hook = MappingHookKind.None;
            site.ExitHook = ExitHookKind.None;
            site.WatchesCall = false;
        }

        ReleaseSemaphores(process, mayStop: true);
    }

    /// <summary>Gives the memory back and puts the program's SIGTRAP action back. All threads are stopped, and none is in a slot.</summary>
    internal void ReleaseMemory(TracedProcess process)
    {
        _services.WithStoppedThread(process, _space, thread =>
        {
            Inline.ReleaseMemory(thread);
            UnmapTraps(thread);
            return Processes.X64.RemoteCallResult.Success(0);
        });
        _chunks.Clear();
        _net = null;
    }

    /// <summary>Takes the safety net and the slots out, through a thread that is stopped.</summary>
    private void UnmapTraps(TracedThread thread)
    {
        if (_net is not null)
            _ = _net.Uninstall(_services, thread); // Each step is tried, whatever became of the others.
        foreach (SlotChunk chunk in _chunks)
            _ = _services.Calls.Unmap(thread, chunk.Start, (ulong)chunk.Length);
        if (_net is not null && !_space.KeepsCallArea)
        {
            _space.CallArea = null; // The last call must not run from the memory that it unmaps.
            _ = _services.Calls.Unmap(thread, _net.Start, (ulong)_net.Length);
        }

        _chunks.Clear();
        _net = null;
    }

    /// <summary>What is in this address space now, at a fork: the same is in the child's copy of it.</summary>
    internal ForkedSpace Snapshot(int parentThread, int childThread) => new(
        [.. _sites.Values], [.. _chunks], _net, [.. _known], [.. _executable], ArmedVersion,
        Returns.CopyForChild(p => p.ThreadId == parentThread || Stacks.IsInCoroutine(p.StackPointer), childThread), SnapshotExits(), [.. _actionCalls], _space.CallArea, Inline.Snapshot(), [.. _semaphores]);

    /// <summary>
    /// Describes the copy of an address space in a forked child: what is really in its text is looked at, since breakpoints
    /// may have come and gone between the fork in the kernel and the report of it.
    /// </summary>
    internal static SpaceArming ForChild(ArmingServices services, TracedProcess child, ForkedSpace parent)
    {
        AddressSpace childSpace = child.Space;
        SpaceArming copy = new(services, childSpace);
        Dictionary<Site, Site> copies = [];
        TextWindow text = new(childSpace.Memory);
        foreach (Site site in parent.Sites.OrderBy(s => s.Address))
            copies.Add(site, CopySite(site, text));
        foreach (Site site in copies.Values)
        {
            copy._sites.Add(site.Address, site);
            if (site.State == SiteState.Armed)
                services.Guard(site, childSpace);
        }

        // So may memory of ours: what was mapped behind the fork's back is not in the copy.
        foreach (SlotChunk chunk in parent.Chunks.Where(c => IsMapped(c.Start)))
            copy._chunks.Add(chunk.CopyFor(owner => copies.TryGetValue(owner, out Site? own) ? own : CopySite(owner, text)));
        copy._net = parent.Net is { } net && IsMapped(net.Start) ? net.CopyForChild() : null;
        copy._known.UnionWith(parent.Known);
        copy._executable.AddRange(parent.Executable);
        copy.ArmedVersion = parent.ArmedVersion;
        copy.Returns = parent.Returns;
        copy.TakeExits(parent.Exits);
        copy._actionCalls.UnionWith(parent.ActionCalls);
        childSpace.CallArea = parent.CallArea;
        copy.Inline.TakeCopy(parent.Inline);
        copy.TakeSemaphores(child, parent.Semaphores);
        return copy;

        bool IsMapped(ulong address) => childSpace.Memory.TryReadWord(new RemoteAddress(address), out _);
    }

    private static Site CopySite(Site site, TextWindow text)
    {
        bool armed = text.Read(site.Address, 1) is [Int3];
        return new Site(site.Address, site.Original, site.Instruction)
        {
            // A slot that was written after the fork is not in the copy: it is made again when it is needed. Where the breakpoint
            // is, the slot was written before it.
            Slot = armed ? site.Slot : 0,
            Point = site.Point,
            ReturnSinks = site.ReturnSinks is null ? null : [.. site.ReturnSinks],
            Hook = site.Hook,
            ExitHook = site.ExitHook,
            WatchesCall = site.WatchesCall,
            State = armed ? SiteState.Armed : SiteState.Disarmed,
        };
    }
}
