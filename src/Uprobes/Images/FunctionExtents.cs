namespace Uprobes.Images;

/// <summary>
/// From where to where the functions of an image go, by its own symbols and its unwind information, without their names: a small
/// part of the work that <see cref="FunctionIndex"/> is. File offsets. Immutable.
/// </summary>
internal sealed class FunctionExtents
{
    private readonly ulong[] _starts;
    private readonly ulong[] _sizes;
    private readonly UnwindTable _unwind;

    /// <summary>Takes the functions' symbols, in any order and with repetitions, and the unwind ranges.</summary>
    public FunctionExtents(IEnumerable<(ulong Start, ulong Size)> symbols, UnwindTable unwind)
    {
        _unwind = unwind;
        var all = new List<(ulong Start, ulong Size)>(symbols);
        for (int range = 0; range < unwind.Count; range++)
            all.Add((unwind.Starts[range], 0));
        all.Sort();
        // Of several sizes for one start the greatest, which sorts last, stays.
        int count = 0;
        _starts = new ulong[all.Count];
        _sizes = new ulong[all.Count];
        foreach ((ulong start, ulong size) in all)
        {
            if (count == 0 || _starts[count - 1] != start)
                count++;
            (_starts[count - 1], _sizes[count - 1]) = (start, size);
        }

        Array.Resize(ref _starts, count);
    }

    /// <summary>Where functions and unwind ranges start, sorted, without repetitions.</summary>
    public ReadOnlySpan<ulong> Starts => _starts;

    /// <summary>The first start above an offset, or the greatest number.</summary>
    public ulong NextStart(ulong offset)
    {
        int index = LastAtOrBefore(offset) + 1;
        return index < _starts.Length ? _starts[index] : ulong.MaxValue;
    }

    /// <summary>The function that holds a byte: the last one that starts at or before it and reaches it, or else the unwind range.</summary>
    public bool TryFind(ulong offset, out ulong start, out ulong end)
    {
        int index = LastAtOrBefore(offset);
        int range = _unwind.Find(offset);
        (start, end) = (0, 0);
        if (index >= 0)
            (start, end) = (_starts[index], EndOf(index, range));
        if (end <= offset && range >= 0)
            (start, end) = (_unwind.Starts[range], _unwind.End(range));
        return end > offset;
    }

    /// <summary>The end of a start's own unwind range; else of its symbol, and of the range that both are in.</summary>
    private ulong EndOf(int index, int range)
    {
        ulong start = _starts[index];
        if (range >= 0 && _unwind.Starts[range] == start)
            return _unwind.End(range);
        ulong next = index + 1 < _starts.Length ? _starts[index + 1] : ulong.MaxValue;
        ulong end = _sizes[index] == 0 ? next : start + Math.Min(_sizes[index], ulong.MaxValue - start);
        return range >= 0 && _unwind.Starts[range] < start ? Math.Min(end, _unwind.End(range)) : end;
    }

    private int LastAtOrBefore(ulong offset)
    {
        int index = Array.BinarySearch(_starts, offset);
        return index < 0 ? ~index - 1 : index;
    }
}
