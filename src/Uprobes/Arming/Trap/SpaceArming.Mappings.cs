using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>Late arming: follows what is mapped and unmapped.</summary>
internal sealed partial class SpaceArming
{
    private readonly List<Mapping> _executable = [];

    /// <summary>
    /// Looks at the process's mappings again: sites of mappings that are gone are forgotten, points of new ones are armed.
    /// </summary>
    /// <param name="process">A process of this address space.</param>
    /// <param name="replaced">A range that is known to have been mapped anew, whatever it looks like; or empty.</param>
    internal void Rescan(TracedProcess process, (ulong Start, ulong End) replaced = default)
    {
        int tid = process.LiveThread()?.ThreadId ?? process.ProcessId;
        List<Mapping> mappings = MappingParser.ReadProcess(tid);
        if (mappings.Count == 0)
            return; // Gone; its end is reported.
        _executable.Clear();
        _executable.AddRange(mappings.Where(m => m.IsExecutable));
        ForgetUnmapped(replaced);
        foreach (Mapping mapping in _executable.ToArray())
        {
            if (!mapping.HasFile || !_known.Add(MappingKey.Of(mapping)))
                continue;
            IReadOnlyList<ArmedPoint> points = _services.Catalog.Find(mapping, tid);
            if (points.Count > 0)
                ArmMapping(process, mapping, points);
            if (!process.RunsIn(_space))
                return; // Arming stops a thread, and that may have shown the end.
            MappingHooks.Arm(this, process, mapping);
            ArmExitHooks(process, mapping);
        }
    }

    /// <summary>Arms points that were registered just now, in all mappings of their files.</summary>
    internal void ArmEverywhere(TracedProcess process)
    {
        _known.Clear();
        Rescan(process);
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

    private void ForgetUnmapped((ulong Start, ulong End) replaced)
    {
        HashSet<MappingKey> present = [.. _executable.Select(m => MappingKey.Of(m))];
        MappingKey[] gone = [.. _known.Where(k => !present.Contains(k) || (k.Start < replaced.End && k.End > replaced.Start))];
        if (gone.Length == 0)
            return;
        foreach (MappingKey key in gone)
            _known.Remove(key);
        foreach (Site site in _sites.Values.ToArray())
        {
            foreach (MappingKey key in gone)
            {
                if (site.Address < key.Start || site.Address >= key.End)
                    continue;
                // A mapping that was split or changed its protection keeps its pages, and its breakpoints; a new one at
                // the same place does not have them.
                if (StillStands(site, key))
                    break;
                LeaveGuardian(site);
                site.State = SiteState.Lost;
                _sites.Remove(site.Address);
                break;
            }
        }
    }

    private bool StillStands(Site site, in MappingKey former)
    {
        byte now = 0;
        return TryFindExecutable(site.Address, out Mapping mapping) && mapping.Inode == former.Inode && mapping.Device == former.Device
            && mapping.FileOffset + (site.Address - mapping.Start) == former.FileOffset + (site.Address - former.Start)
            && _space.Memory.Read(new RemoteAddress(site.Address), new Span<byte>(ref now)) == 1
            && now == (site.State == SiteState.Armed ? Int3 : site.Original[0]);
    }
}
