namespace Uprobes.Images.Types;

/// <summary>Which units' code is at an address, as their first entries say. Immutable.</summary>
internal sealed class UnitRanges
{
    // Ranges of units do not overlap, but those of damaged files may: so many are looked at for one address.
    private const int MostLookedAt = 1 << 12, MostFound = 8;
    private readonly List<(ulong Start, ulong End, DebugUnit Unit)> _ranges = [];

    // Of each range the highest end up to it: before a range whose highest end is not behind an address there is none that has it.
    private readonly ulong[] _ends;

    /// <summary>Reads the ranges of all units.</summary>
    internal UnitRanges(DebugUnits units)
    {
        RangeList lists = new(units);
        foreach (DebugUnit unit in units.All)
        {
            if (units.TryGet(unit.FirstEntry, out DebugEntry root))
                _ranges.AddRange(lists.Of(root).Select(range => (range.Start, range.End, unit)));
        }

        _ranges.Sort(static (a, b) => a.Start != b.Start ? a.Start.CompareTo(b.Start) : a.Unit.Offset.CompareTo(b.Unit.Offset));
        _ends = new ulong[_ranges.Count];
        ulong highest = 0;
        for (int i = 0; i < _ends.Length; i++)
            _ends[i] = highest = Math.Max(highest, _ranges[i].End);
    }

    /// <summary>The units that say that an address is theirs; that with the nearest start first.</summary>
    internal IReadOnlyList<DebugUnit> At(ulong address)
    {
        int low = 0, high = _ranges.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_ranges[middle].Start <= address)
                low = middle + 1;
            else
                high = middle;
        }

        List<DebugUnit> found = [];
        int last = Math.Max(0, low - MostLookedAt);
        for (int i = low - 1; i >= last && _ends[i] > address && found.Count < MostFound; i--)
        {
            if (_ranges[i].End > address && !found.Contains(_ranges[i].Unit))
                found.Add(_ranges[i].Unit);
        }

        return found;
    }
}
