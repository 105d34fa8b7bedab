using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>Late arming: follows what is mapped and unmapped.</summary>
internal sealed partial class SpaceArming
{
    private readonly List<Mapping> _executable = [];

    /// <summary>
    /// Sites of mappings that are gone, by address. A library that is loaded again comes to the same place as a rule: its
    /// slots serve again, so that cycles of loading take no more memory than the first.
    /// </summary>
    private readonly Dictionary<ulong, Site> _retired = [];

    /// <summary>
    /// Looks at the process's mappings again: sites of mappings that are gone are forgotten, points of new ones are armed.
    /// </summary>
    /// <param name="process">A process of this address space.</param>
    /// <param name="replaced">A range that is known to have been mapped anew, whatever it looks like; or empty.</param>
    /// <param name="everywhere">Whether mappings that are known already may have new points too.</param>
    internal void Rescan(TracedProcess process, (ulong Start, ulong End) replaced = default, bool everywhere = false)
    {
        if (!TryLook(process, replaced, out int tid))
            return;
        if (everywhere)
            _known.Clear(); // Not before the look: what is gone is told by what was known.
        bool isChanged = false;
        foreach (Mapping mapping in _executable.ToArray())
        {
            if (!mapping.HasFile || !_known.Add(MappingKey.Of(mapping)))
                continue;
            isChanged = true;
            if (!Inline.OnMapped(process, mapping))
            {
                // What is mapped now would not know the thunks: they go, and the trap engine takes their points.
                Inline.StopFollowing(process);
                Rescan(process, everywhere: true);
                return;
            }

            IReadOnlyList<ArmedPoint> points = _services.Catalog.Find(mapping, tid);
            if (points.Count > 0)
                ArmMapping(process, mapping, points);
            if (!process.RunsIn(_space))
                return; // Arming stops a thread, and that may have shown the end.
            if (!_services.Detaches || process.IsStarting)
                MappingHooks.Arm(this, process, mapping);
            ArmExitHooks(process, mapping);
        }

        SettleSemaphores(process);
        if (isChanged)
            _services.Mapped(process);
    }

    /// <summary>Tells that a call by which a process maps its libraries has no breakpoint.</summary>
    internal void TellUnwatched(TracedProcess process, in Mapping mapping)
    {
        if (process.ReadMappings(out _).Count > 0) // Not one that has ended meanwhile.
            _services.Notice($"process {process.ProcessId}: calls of mmap in {mapping.Path} are not watched, since there is no memory for a breakpoint's code; libraries that it loads from now on may be probed late or not at all");
    }

    /// <summary>Reads the mappings and forgets what is gone. False when the process is.</summary>
    private bool TryLook(TracedProcess process, (ulong Start, ulong End) replaced, out int threadId)
    {
        List<Mapping> mappings = process.ReadMappings(out threadId);
        if (mappings.Count == 0)
            return false; // Its end is reported.
        _executable.Clear();
        _executable.AddRange(mappings.Where(m => m.IsExecutable));
        ForgetUnmapped(mappings, replaced);
        return true;
    }

    /// <summary>Arms points that were registered just now, in all mappings of their files.</summary>
    internal void ArmEverywhere(TracedProcess process)
    {
        Rescan(process, everywhere: true);
        ArmedVersion = _services.Catalog.Version;
    }

    /// <summary>The executable mapping that an address is in, as of the last look.</summary>
    internal bool TryFindExecutable(ulong address, out Mapping mapping)
    {
        foreach (Mapping candidate in _executable)
        {
            if (candidate.Contains(address))
            {
                mapping = candidate;
                return true;
            }
        }

        mapping = default;
        return false;
    }

    private void ForgetUnmapped(List<Mapping> mappings, (ulong Start, ulong End) replaced)
    {
        HashSet<MappingKey> present = [.. _executable.Select(m => MappingKey.Of(m))];
        MappingKey[] gone = [.. _known.Where(k => !present.Contains(k) || (k.Start < replaced.End && k.End > replaced.Start))];
        if (gone.Length == 0)
            return;
        foreach (MappingKey key in gone)
        {
            _known.Remove(key);
            Inline.ForgetRange(key.Start, key.End);
        }

        foreach (Site site in _sites.Values.ToArray())
        {
            foreach (MappingKey key in gone)
            {
                if (site.Address < key.Start || site.Address >= key.End)
                    continue;
                // A mapping that was split or changed its protection keeps its pages, and its breakpoints; a new one at
                // the same place does not have them.
                if (StillStands(site, key, mappings))
                    break;
                if (site.State == SiteState.Armed)
                    RestoreMoved(site, key);
                LeaveGuardian(site);
                site.State = SiteState.Lost;
                _sites.Remove(site.Address);
                _retired[site.Address] = site;
                break;
            }
        }
    }

    private bool StillStands(Site site, in MappingKey former, List<Mapping> mappings)
    {
        foreach (Mapping mapping in mappings)
        {
            if (mapping.Contains(site.Address))
            {
                return mapping.Inode == former.Inode && mapping.Device == former.Device
                    && mapping.FileOffset + (site.Address - mapping.Start) == former.FileOffset + (site.Address - former.Start)
                    && ReadByte(site.Address) == (site.State == SiteState.Armed ? Int3 : site.Original[0]);
            }
        }

        return false;
    }

    /// <summary>
    /// mremap(2) takes text elsewhere with the breakpoints that are in it (traps M9). Where the same part of the file appears
    /// in a mapping that was not known and has a breakpoint there, it is taken out; the new mapping is then armed like any other.
    /// </summary>
    private void RestoreMoved(Site site, in MappingKey former)
    {
        ulong offset = former.FileOffset + (site.Address - former.Start);
        foreach (Mapping mapping in _executable)
        {
            if (mapping.Inode != former.Inode || mapping.Device != former.Device || mapping.IsShared
                || offset < mapping.FileOffset || offset - mapping.FileOffset >= mapping.Length || _known.Contains(MappingKey.Of(mapping)))
                continue;
            ulong moved = mapping.Start + (offset - mapping.FileOffset);
            if (ReadByte(moved) == Int3 && !_sites.ContainsKey(moved))
                _ = _space.Memory.WriteAll(new RemoteAddress(moved), site.Original.AsSpan(0, 1)); // A refusal is told when the new mapping is armed.
        }
    }
}
