using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>Armed sites whose patches are taken out in one stop.</summary>
internal sealed class Removal
{
    private readonly TextPatcher _patcher;
    private readonly List<(InlineSite Site, int[] Pieces, int Springboard)> _pieces = [];

    internal Removal(TraceeMemory memory, IEnumerable<InlineSite> sites)
    {
        _patcher = new TextPatcher(memory);
        foreach (InlineSite site in sites)
        {
            int[] pieces = site.Redirects.Count > 0
                ? [.. site.Redirects.Select(r => _patcher.Add(r.Address, r.Patch, r.Original))]
                : [_patcher.Add(site.Address, site.Patch, site.Original[..site.Patch.Length])];
            _pieces.Add((site, pieces, site.Springboard == 0 ? -1 : _patcher.Add(site.Springboard, site.SpringboardPatch, site.SpringboardOriginal)));
        }

        _patcher.Prepare();
        Sites = [.. _pieces.Select(p => p.Site)];
    }

    internal IReadOnlyList<InlineSite> Sites { get; }

    /// <summary>Puts the original bytes back, all threads being stopped.</summary>
    /// <returns>The sites whose patches were no longer there whole, and those that could not be written: these are armed still.</returns>
    internal (List<InlineSite> Lost, List<InlineSite> Unwritten) Run()
    {
        _patcher.Load();
        List<InlineSite> lost = [];
        List<(InlineSite Site, int Piece)> jumps = [];
        List<int> springboards = [];
        foreach ((InlineSite site, int[] pieces, int springboard) in _pieces)
        {
            int[] there = [.. pieces.Where(_patcher.IsAsExpected)];
            bool hasSpringboard = springboard >= 0 && _patcher.IsAsExpected(springboard);
            jumps.AddRange(there.Select(piece => (site, piece)));
            if (hasSpringboard)
                springboards.Add(springboard);
            if (there.Length < pieces.Length || (springboard >= 0 && !hasSpringboard))
                lost.Add(site);
        }

        foreach ((_, int piece) in jumps)
            _patcher.Replace(piece);
        _patcher.Flush();
        List<InlineSite> unwritten = [.. jumps.Where(j => !_patcher.IsWritten(j.Piece)).Select(j => j.Site).Distinct()];
        foreach ((_, int piece) in jumps.Where(j => _patcher.IsWritten(j.Piece) && unwritten.Contains(j.Site)))
            _patcher.Revert(piece); // One of several branches to a site: all of them or none.
        if (unwritten.Count == 0) // Otherwise some may be needed still.
            springboards.ForEach(_patcher.Replace);
        _patcher.Flush();
        return (lost, unwritten);
    }
}
