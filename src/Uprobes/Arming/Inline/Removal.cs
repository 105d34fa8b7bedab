using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>Armed sites whose patches are taken out in one stop.</summary>
internal sealed class Removal
{
    private readonly TextPatcher _patcher;
    private readonly List<(InlineSite Site, int Piece, int Springboard)> _pieces = [];

    internal Removal(TraceeMemory memory, IEnumerable<InlineSite> sites)
    {
        _patcher = new TextPatcher(memory);
        foreach (InlineSite site in sites)
        {
            _pieces.Add((site, _patcher.Add(site.Address, site.Patch, site.Original[..site.Patch.Length]),
                site.Springboard == 0 ? -1 : _patcher.Add(site.Springboard, site.SpringboardPatch, site.SpringboardOriginal)));
        }

        _patcher.Prepare();
        Sites = [.. _pieces.Select(p => p.Site)];
    }

    internal IReadOnlyList<InlineSite> Sites { get; }

    /// <summary>Puts the original bytes back, all threads being stopped. Returns the sites whose patches were no longer there.</summary>
    internal List<InlineSite> Run()
    {
        _patcher.Load();
        List<InlineSite> lost = [];
        List<int> springboards = [];
        foreach ((InlineSite site, int piece, int springboard) in _pieces)
        {
            if (!_patcher.IsAsExpected(piece) || (springboard >= 0 && !_patcher.IsAsExpected(springboard)))
            {
                lost.Add(site);
                continue;
            }

            _patcher.Replace(piece);
            if (springboard >= 0)
                springboards.Add(springboard);
        }

        _patcher.Flush(); // A process whose memory cannot be written is gone.
        foreach (int springboard in springboards)
            _patcher.Replace(springboard);
        _patcher.Flush();
        return lost;
    }
}
