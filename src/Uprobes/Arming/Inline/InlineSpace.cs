using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>
/// What the inline engine has in one address space: patched sites, trampolines and their memory, the channels of the programs. On
/// the tracer thread only.
/// </summary>
internal sealed partial class InlineSpace(ArmingServices services, AddressSpace space)
{
    /// <summary>No patch reaches further back than the longest that a plan can have.</summary>
    private const int LongestPatch = 32;

    private readonly Dictionary<ulong, InlineSite> _sites = [];
    private readonly Dictionary<ulong, InlineSite> _springboards = [];

    /// <summary>By the addresses of the branches that are redirected.</summary>
    private readonly Dictionary<ulong, InlineSite> _redirects = [];
    private readonly List<TrampolineChunk> _chunks = [];
    private readonly Dictionary<ProgramRun, ProgramSpace> _programs = [];

    internal IReadOnlyCollection<InlineSite> Sites => _sites.Values;

    /// <summary>Whether anything of ours is in the tracee's memory.</summary>
    internal bool HasMemory => _chunks.Count > 0 || _programs.Count > 0 || _thunks is not null;

    internal bool HasPrograms => _programs.Count > 0;

    /// <summary>The points whose programs run from trampolines.</summary>
    internal IEnumerable<ArmedPoint> ArmedPoints => _sites.Values.Where(s => s.State == SiteState.Armed).SelectMany(s => s.Points.Values);

    /// <summary>The site whose patch a byte of the text belongs to.</summary>
    internal InlineSite? Find(ulong address)
    {
        if (_sites.Count == 0)
            return null;
        for (ulong back = 0; back < LongestPatch; back++)
        {
            if ((_sites.TryGetValue(address - back, out InlineSite? site) || (back < PatchPlan.JumpLength && _springboards.TryGetValue(address - back, out site))
                || (back < Redirect.MostBytes && _redirects.TryGetValue(address - back, out site)))
                && site.State == SiteState.Armed && site.Covers(address))
                return site;
        }

        return null;
    }

    /// <summary>Whether an address is in memory that trampolines are in.</summary>
    internal bool IsInTrampolines(ulong address) => _chunks.Exists(c => c.Contains(address)) || _thunks?.Contains(address) == true;

    /// <summary>Where a thread runs what stood at an address of the text: inside of a patch that is in the trampoline.</summary>
    internal ulong PlaceOf(ulong address) =>
        Find(address) is { } site && site.Address != address && site.Trampoline?.CopyOf(site.Address, address) is > 0 and var copy ? copy : address;

    /// <summary>Puts original bytes in place of patches in what was read from memory.</summary>
    internal void Hide(ulong address, Span<byte> bytes)
    {
        if (_sites.Count == 0)
            return;
        if (_sites.Count < bytes.Length)
        {
            foreach (InlineSite site in _sites.Values)
                Hide(site, address, bytes);
            return;
        }

        for (int i = -LongestPatch; i < bytes.Length; i++)
        {
            ulong place = address + (ulong)(long)i;
            if (_sites.TryGetValue(place, out InlineSite? site))
                Hide(site, address, bytes);
            if (_springboards.TryGetValue(place, out site))
                Hide(site, address, bytes);
            if (_redirects.TryGetValue(place, out site))
                Hide(site, address, bytes);
        }
    }

    private static void Hide(InlineSite site, ulong address, Span<byte> bytes)
    {
        if (site.State != SiteState.Armed)
            return;
        Restore(bytes, (long)(site.Address - address), site.Original, site.Patch.Length);
        if (site.Springboard != 0)
            Restore(bytes, (long)(site.Springboard - address), site.SpringboardOriginal, site.SpringboardPatch.Length);
        foreach (Redirect redirect in site.Redirects)
            Restore(bytes, (long)(redirect.Address - address), redirect.Original, redirect.Original.Length);

        static void Restore(Span<byte> bytes, long at, byte[] original, int length)
        {
            for (int i = 0; i < length; i++)
            {
                if (at + i >= 0 && at + i < bytes.Length)
                    bytes[(int)(at + i)] = original[i];
            }
        }
    }

    /// <summary>The armed site whose trampoline an address is in.</summary>
    private InlineSite? FindTrampoline(ulong rip)
    {
        if (!IsInTrampolines(rip))
            return null;
        foreach (InlineSite site in _sites.Values)
        {
            if (site.Trampoline?.Contains(rip) == true)
                return site;
        }

        return null;
    }

    private bool IsIntact(InlineSite site)
    {
        Span<byte> now = stackalloc byte[LongestPatch];
        if (!Holds(site.Address, site.Patch, now) || (site.Springboard != 0 && !Holds(site.Springboard, site.SpringboardPatch, now)))
            return false;
        foreach (Redirect redirect in site.Redirects)
        {
            if (!Holds(redirect.Address, redirect.Patch, now))
                return false;
        }

        return true;
    }

    private bool Holds(ulong address, byte[] expected, Span<byte> buffer) =>
        space.Memory.Read(new RemoteAddress(address), buffer[..expected.Length]) == expected.Length && buffer[..expected.Length].SequenceEqual(expected);
}
