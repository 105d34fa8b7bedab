using Uprobes.Arming.Inline;
using Uprobes.Processes;
using Uprobes.Processes.X64;

namespace Uprobes.Arming.Trap;

/// <summary>What has to be known, and what must not be left behind, where the tracer lets go of a process.</summary>
internal sealed partial class SpaceArming
{
    /// <summary>Whether any breakpoint stands.</summary>
    internal bool HasBreakpoints => _sites.Values.Any(s => s.State == SiteState.Armed);

    /// <summary>Arms the entry point of a launched program, which is stopped before its linker's first instruction.</summary>
    internal void ArmEntry(TracedProcess process, ulong entry)
    {
        // Where a probe stands there, the libraries are noticed like those that are loaded later.
        if (Inline.Find(entry) is null && TryFindExecutable(entry, out Mapping mapping) && ArmInternal(process, mapping, entry) is { } site)
            site.Hook = MappingHookKind.ProgramEntry;
        else
            process.IsStarting = false;
    }

    /// <summary>Gives back what breakpoints need. All threads are stopped, no breakpoint stands, and nobody is in a slot.</summary>
    internal void ReleaseTraps(TracedProcess process)
    {
        if (_net is null && _chunks.Count == 0)
            return;
        _services.WithStoppedThread(process, _space, thread =>
        {
            UnmapTraps(thread);
            return RemoteCallResult.Success(0);
        });
        _chunks.Clear();
        _net = null;
        _sites.Clear();
        _retired.Clear();
        _actionCalls.Clear();
    }

    /// <summary>The mappings that are there now and have points that are not armed, or something else that arming has to look at.</summary>
    internal bool HasNews(TracedProcess process)
    {
        List<Mapping> mappings = process.ReadMappings(out int tid);
        return mappings.Any(m => m.IsExecutable && m.HasFile && !_known.Contains(MappingKey.Of(m)) && _services.Catalog.Find(m, tid).Count > 0)
            || HasAwaitedSemaphore(process, mappings)
            || _known.Any(k => Inline.WitnessIn(k.Start, k.End) is not null && !mappings.Exists(m => MappingKey.Of(m) == k));
    }

    /// <summary>An armed site of each mapping that has one: while these stand, no mapping was replaced.</summary>
    internal IReadOnlyList<InlineSite> Witnesses() => [.. _known.Select(k => Inline.WitnessIn(k.Start, k.End)).OfType<InlineSite>()];
}
