using Uprobes.Arming.X64;
using Uprobes.Linux;

namespace Uprobes.Arming.Inline;

/// <summary>The places between the instructions that patches are about to overwrite, where no thread may be left.</summary>
internal sealed class Interiors
{
    private readonly Dictionary<ulong, (InlineSite Site, ulong Place)> _places = [];
    private readonly HashSet<InlineSite> _fresh;
    private readonly ulong _low = ulong.MaxValue, _high;

    /// <summary>Collects those of sites that have their new trampolines.</summary>
    /// <param name="sites">All that are written.</param>
    /// <param name="fresh">Those of them that are not patched yet.</param>
    internal Interiors(IReadOnlyList<InlineSite> sites, IReadOnlyCollection<InlineSite> fresh)
    {
        _fresh = new HashSet<InlineSite>(fresh, ReferenceEqualityComparer.Instance);
        foreach (InlineSite site in sites)
        {
            if (site.Redirects.Count > 0)
                continue; // Nothing of it is overwritten.
            RelocatedRun run = site.Trampoline!.Run;
            foreach (RunMember member in run.Members)
            {
                if (member.Start > 0)
                    Add(site.Address + (ulong)member.Start, site, site.Trampoline.RunStart + (ulong)member.CodeStart);
            }

            // A system call that is waited for, and that the kernel may start again by taking RIP back to it.
            if (run.Members is [.., { ControlFlow: ControlFlowKind.SystemCall } call])
                Add(site.End, site, site.Trampoline.RunStart + (ulong)call.CodeStart + (ulong)call.Length);
        }

        if (_places.Count > 0)
            (_low, _high) = (_places.Keys.Min(), _places.Keys.Max());

        void Add(ulong at, InlineSite site, ulong place) => _places[at] = (site, place);
    }

    internal bool IsEmpty => _fresh.Count == 0 || _places.Count == 0;

    /// <summary>The site, not patched yet, that a place is inside of; what lies behind its last instruction is not.</summary>
    internal InlineSite? Find(ulong place) =>
        place >= _low && place <= _high && _places.TryGetValue(place, out (InlineSite Site, ulong Place) found) && place != found.Site.End && _fresh.Contains(found.Site)
            ? found.Site : null;

    /// <summary>Where in which trampoline a thread has to go on that stands at a place inside.</summary>
    internal (InlineSite? Site, ulong Place) PlaceFor(in UserRegisters registers) =>
        _places.TryGetValue(registers.Rip, out (InlineSite Site, ulong Place) found) && (registers.Rip != found.Site.End || registers.OrigRax != ulong.MaxValue)
            ? found : (null, 0);
}
