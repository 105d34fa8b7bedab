using Uprobes.Arming.Inline;
using Uprobes.Processes;
using Uprobes.Processes.X64;

namespace Uprobes.Arming.Trap;

/// <summary>
/// What is armed in one address space: its sites, their slots, the safety net, the awaited returns. On the tracer thread only.
/// </summary>
internal sealed partial class SpaceArming : IDisposable
{
    private readonly ArmingServices _services;
    private readonly AddressSpace _space;
    private readonly Dictionary<ulong, Site> _sites = [];
    private readonly List<SlotChunk> _chunks = [];
    private readonly HashSet<MappingKey> _known = [];
    private SafetyNet? _net;

    internal SpaceArming(ArmingServices services, AddressSpace space)
    {
        _services = services;
        _space = space;
        Inline = new InlineSpace(services, space);
        space.EngineState = this;
    }

    /// <summary>The memory that this is about.</summary>
    internal AddressSpace Memory => _space;

    /// <summary>What is patched with jumps rather than breakpoints.</summary>
    internal InlineSpace Inline { get; }

    internal ReturnTracker Returns { get; private set; } = new();

    internal SafetyNet? Net => _net;

    internal IReadOnlyCollection<Site> Sites => _sites.Values;

    /// <summary>Whether anything of ours is in the tracee's memory.</summary>
    internal bool HasMemory => _net is not null || _chunks.Count > 0 || Inline.HasMemory;

    internal bool TryFindSite(ulong address, out Site? site) => _sites.TryGetValue(address, out site);

    /// <summary>The slot that an address is in.</summary>
    internal bool TryFindSlot(ulong address, out SlotUse slot)
    {
        foreach (SlotChunk chunk in _chunks)
        {
            if (chunk.Contains(address))
                return chunk.TryFind(address, out slot);
        }

        slot = default;
        return false;
    }

    /// <summary>The state of the catalog that this address space was last brought up to.</summary>
    internal int ArmedVersion { get; private set; } = -1;

    /// <summary>Forgets the guardian's entries; the memory itself is gone or has been restored.</summary>
    public void Dispose()
    {
        foreach (Site site in _sites.Values)
            LeaveGuardian(site);
        _sites.Clear();
        foreach (HeldSemaphore held in _semaphores.Values)
            LeaveGuardian(held.GuardianEntry);
        _semaphores.Clear();
        _maps?.Dispose();
    }

    private void LeaveGuardian(Site site)
    {
        if (site.GuardianEntry < 0)
            return;
        _services.Guardian?.Remove(site.GuardianEntry);
        site.GuardianEntry = -1;
    }

    /// <summary>Identifies a mapping whose points have been armed.</summary>
    internal readonly record struct MappingKey(ulong Start, ulong End, ulong FileOffset, ulong Device, ulong Inode)
    {
        internal static MappingKey Of(in Mapping mapping) =>
            new(mapping.Start, mapping.End, mapping.FileOffset, mapping.Device, mapping.Inode);
    }
}
