using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Processes;
using Uprobes.Processes.X64;
using Uprobes.Programs.X64;

namespace Uprobes.Arming.Inline;

/// <summary>Taking patches out.</summary>
internal sealed partial class InlineSpace
{
    /// <summary>Trampolines that nothing jumps to any more, while threads are being taken out of them.</summary>
    private readonly List<(InlineSite Site, Trampoline Trampoline)> _leaving = [];

    /// <summary>Those of them that a thread may still be in.</summary>
    private readonly HashSet<Trampoline> _occupied = new(ReferenceEqualityComparer.Instance);

    /// <summary>Trampolines of former sites that stay until the memory is released, since a thread may be in them.</summary>
    private readonly List<(InlineSite Site, Trampoline Trampoline)> _kept = [];

    /// <summary>Takes points out. Sites that have no other go too; the trampolines of the others are made anew.</summary>
    /// <param name="process">A process of this address space.</param>
    /// <param name="isGone">Which points.</param>
    internal void Remove(TracedProcess process, Func<ArmedPoint, bool> isGone)
    {
        List<InlineSite> empty = [], changed = [];
        foreach (InlineSite site in _sites.Values)
        {
            if (site.OwnProgram is not null && site.Points.Count == 0)
                continue;
            int[] gone = [.. site.Points.Where(p => isGone(p.Value)).Select(p => p.Key)];
            if (gone.Length == site.Points.Count && site.OwnProgram is null)
            {
                empty.Add(site); // With its points, in case there is something to tell of them.
                continue;
            }

            foreach (int offset in gone)
                site.Points.Remove(offset);
            if (gone.Length > 0 || RunsUnwanted(site))
                changed.Add(site);
        }

        Remove(process, empty);
        foreach (InlineSite site in empty)
            site.Points.Clear();
        if (changed.Count > 0)
            Refresh(process, changed);
    }

    /// <summary>Whether a site's trampoline runs what no point wants any more. What is wanted beside comes with the next arming.</summary>
    private static bool RunsUnwanted(InlineSite site)
    {
        HashSet<ProgramBinding> wanted = [.. site.Points.Values.SelectMany(p => p.Sink.Programs ?? [])];
        return site.Bindings.Any(binding => !wanted.Contains(binding));
    }

    /// <summary>Takes patches out of the text, where they are still ours.</summary>
    private void Remove(TracedProcess process, List<InlineSite> sites)
    {
        if (sites.Count == 0)
            return;
        TurnOff(sites);
        List<InlineSite> stay = [];
        Removal removal = new(space.Memory, sites.Where(s => s.State == SiteState.Armed));
        using (SpaceStop stop = new(services.Tracer, space))
        {
            if (stop.Unstoppable.Count > 0)
                stay.AddRange(sites.Where(s => s.State == SiteState.Armed)); // Their programs are off; the text is put back at the next occasion.
            List<InlineSite> restored = stay.Count > 0 || stop.IsGone ? [] : RestoreText(process, removal, stay);
            services.Step?.Invoke("patches taken out");
            foreach (InlineSite site in restored)
            {
                if (site.Trampoline is { } trampoline)
                    _leaving.Add((site, trampoline));
            }

            RollOut(stop);
            ForgetReturnCode(_leaving.Select(l => l.Trampoline));
            services.NotePause(stop.Elapsed);
        }

        foreach (InlineSite site in sites.Except(stay))
            Forget(site);
        _leaving.Clear();
        UnmapUnused(process);
    }

    private List<InlineSite> RestoreText(TracedProcess process, Removal removal, List<InlineSite> stay)
    {
        (List<InlineSite> gone, List<InlineSite> unwritten) = removal.Run();
        if (space.Memory.IsGone)
            gone = [];
        else
            stay.AddRange(unwritten); // No memory for a page of its own, say: like those whose threads did not stop.
        foreach (InlineSite lost in gone)
        {
            foreach (ArmedPoint point in lost.Points.Values)
                services.Catalog.OnSiteLost(point, "its patch was no longer in the text when it was to be removed", process.ProcessId);
        }

        List<InlineSite> restored = [.. removal.Sites.Except(stay)];
        foreach (InlineSite site in restored)
            site.State = SiteState.Disarmed;
        return restored;
    }

    /// <summary>No thread is in the site's trampoline, or its process is gone.</summary>
    private void Forget(InlineSite site)
    {
        site.State = SiteState.Disarmed;
        foreach (Site resumption in site.Resumptions)
            resumption.State = SiteState.Disarmed;
        _sites.Remove(site.Address);
        _springboards.Remove(site.Springboard);
        foreach (Redirect redirect in site.Redirects)
            _redirects.Remove(redirect.Address);
        if (site.Trampoline is { } trampoline)
            Discard(site, trampoline, site.Bindings);
        site.Trampoline = null;
        site.Bindings = [];
    }

    /// <summary>Gives a trampoline's room back, unless a thread could not be taken out of it: then it stays, with what its programs write to.</summary>
    private void Discard(InlineSite site, Trampoline trampoline, IReadOnlyList<ProgramBinding> bindings)
    {
        if (_occupied.Contains(trampoline))
        {
            _kept.Add((site, trampoline));
            _keptBindings[trampoline] = bindings;
            return;
        }

        Free(trampoline);
        Release(bindings);
    }

    private void Free(Trampoline trampoline)
    {
        foreach (TrampolineChunk chunk in _chunks)
        {
            if (!chunk.Contains(trampoline.Start))
                continue;
            chunk.Return(trampoline.Start, trampoline.Code.Length);
            foreach (ReturnStub stub in trampoline.Stubs)
                chunk.Return(stub.Start, stub.Code.Length);
            foreach (ulong flag in trampoline.Flags)
                chunk.ReturnFlag(flag);
        }
    }

    /// <summary>Has trampolines made anew for what their points want now.</summary>
    private void Refresh(TracedProcess process, List<InlineSite> sites)
    {
        // Each of them is armed: where the new trampoline cannot be had it stays so, with the programs that are gone turned off.
        foreach (InlineSite site in sites)
        {
            for (int i = 0; i < site.Bindings.Count; i++)
            {
                if (!site.Points.Values.Any(p => p.Sink.Programs?.Contains(site.Bindings[i]) == true))
                    WriteFlags([(site.Trampoline!.Flags[i + (site.OwnProgram is null ? 0 : 1)], false)]);
            }
        }

        _ = Install(process, MappingAround(sites[0].Address), sites);
    }

    private static Mapping MappingAround(ulong address) =>
        new(address, address + 1, MappingPermissions.Execute, 0, 0, 0, "", false);

    /// <summary>Takes one site out, for a breakpoint that has to stand where its patch is.</summary>
    internal void Expel(TracedProcess process, InlineSite site) => Remove(process, [site]);

    /// <summary>Takes everything out; threads are out of trampolines afterwards. The memory stays until <see cref="ReleaseMemory"/>.</summary>
    internal void RemoveAll(TracedProcess process) => Remove(process, [.. _sites.Values]);

    /// <summary>Forgets what was in a range that is mapped to something else by now, or to nothing.</summary>
    internal void ForgetRange(ulong start, ulong end)
    {
        foreach (InlineSite site in _sites.Values.Where(s => IsIn(s.Address) || s.Redirects.Any(r => IsIn(r.Address))).ToArray())
        {
            // As long as one branch is there, its trampoline is needed.
            if (site.Redirects.Count == 0 ? !IsIntact(site) : !site.Redirects.Any(IsThere))
                Forget(site);
        }

        bool IsIn(ulong place) => place >= start && place < end;

        bool IsThere(Redirect redirect) => Holds(redirect.Address, redirect.Patch, stackalloc byte[LongestPatch]);
    }

    /// <summary>Gives all memory back. All threads are stopped and out of trampolines.</summary>
    internal void ReleaseMemory(TracedThread thread)
    {
        _kept.Clear();
        _keptBindings.Clear();
        if (_thunks is { } thunks)
        {
            RestoreReturnAddresses();
            _ = services.Calls.Unmap(thread, thunks.Start, (ulong)CallThunks.LengthFor(CallCapacity));
            _ = services.Calls.Unmap(thread, thunks.Table.Entries, CallCapacity * (ulong)CallTable.EntrySize);
            _thunks = null;
        }

        foreach (ProgramSpace program in _programs.Values)
            _ = services.Calls.Unmap(thread, program.Environment.Channel, (ulong)program.Environment.Layout.Size);
        foreach (TrampolineChunk chunk in _chunks)
            _ = services.Calls.Unmap(thread, chunk.Start, (ulong)chunk.Length);
        _programs.Clear();
        _chunks.Clear();
    }
}
