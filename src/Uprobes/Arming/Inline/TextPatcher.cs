using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>
/// Replaces many short pieces of text while all threads are stopped, with few system calls: the pages are read once, compared, changed here
/// and written back, each page at once, so that it is either as it was or as it is to be when the tracer is killed.
/// What can be done while threads run is done by <see cref="Prepare"/>.
/// </summary>
internal sealed class TextPatcher(TraceeMemory memory)
{
    private const ulong PageSize = 4096;
    private readonly List<Piece> _pieces = [];
    private readonly List<Run> _runs = [];
    private readonly HashSet<ulong> _failed = [];
    private readonly SortedDictionary<ulong, (ulong Start, ulong End)> _changed = [];

    /// <summary>Notes a piece.</summary>
    /// <param name="address">Where it is.</param>
    /// <param name="expected">What has to be there.</param>
    /// <param name="bytes">What is to be there; must not cross into another page.</param>
    /// <returns>Its number.</returns>
    internal int Add(ulong address, byte[] expected, byte[] bytes)
    {
        _pieces.Add(new Piece(address, expected, bytes));
        return _pieces.Count - 1;
    }

    /// <summary>All pieces are there: works out which pages they are in.</summary>
    internal void Prepare()
    {
        (ulong First, ulong Last)[] pages = [.. _pieces.Select(static p => (p.Address / PageSize, (p.End - 1) / PageSize)).Order()];
        for (int i = 0; i < pages.Length;)
        {
            (ulong first, ulong last) = pages[i];
            while (++i < pages.Length && pages[i].First <= last + 1)
                last = Math.Max(last, pages[i].Last);
            _runs.Add(new Run(first * PageSize, new byte[(last + 1 - first) * PageSize]));
        }
    }

    /// <summary>Reads the pages. From here on nobody else changes them.</summary>
    internal void Load()
    {
        foreach (Run run in _runs)
            run.Read = memory.Read(new RemoteAddress(run.Start), run.Bytes);
    }

    /// <summary>Whether the text is what the piece expects.</summary>
    internal bool IsAsExpected(int piece)
    {
        (ulong address, byte[] expected, _) = _pieces[piece];
        Run run = RunOf(address);
        int at = (int)(address - run.Start);
        return at + expected.Length <= run.Read && run.Bytes.AsSpan(at, expected.Length).SequenceEqual(expected);
    }

    /// <summary>Has a piece written by the next <see cref="Flush"/>.</summary>
    internal void Replace(int piece)
    {
        (ulong address, _, byte[] bytes) = _pieces[piece];
        Put(address, bytes);
    }

    /// <summary>Has a piece that was replaced put back by the next <see cref="Flush"/>.</summary>
    internal void Revert(int piece)
    {
        (ulong address, byte[] expected, byte[] bytes) = _pieces[piece];
        Put(address, expected.AsSpan(0, bytes.Length));
    }

    private void Put(ulong address, ReadOnlySpan<byte> bytes)
    {
        Run run = RunOf(address);
        bytes.CopyTo(run.Bytes.AsSpan((int)(address - run.Start)));
        ulong page = address / PageSize, end = address + (ulong)bytes.Length;
        _changed[page] = _changed.TryGetValue(page, out (ulong Start, ulong End) range) ? (Math.Min(range.Start, address), Math.Max(range.End, end)) : (address, end);
    }

    /// <summary>Writes what was replaced: of each page no more than from the first to the last changed byte.</summary>
    internal void Flush()
    {
        foreach ((ulong page, (ulong start, ulong end)) in _changed)
        {
            Run run = RunOf(start);
            if (memory.WriteAll(new RemoteAddress(start), run.Bytes.AsSpan((int)(start - run.Start), (int)(end - start))) == 0)
                _failed.Remove(page);
            else
                _failed.Add(page);
        }

        _changed.Clear();
    }

    /// <summary>Whether what was replaced has been written.</summary>
    internal bool IsWritten(int piece) => !_failed.Contains(_pieces[piece].Address / PageSize);

    private Run RunOf(ulong address)
    {
        (int low, int high) = (0, _runs.Count - 1);
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (_runs[middle].Start <= address)
                low = middle;
            else
                high = middle - 1;
        }

        return _runs[low];
    }

    private readonly record struct Piece(ulong Address, byte[] Expected, byte[] Bytes)
    {
        internal ulong End => Address + (ulong)Math.Max(Expected.Length, Bytes.Length);
    }

    /// <summary>Pages without a gap.</summary>
    private sealed class Run(ulong start, byte[] bytes)
    {
        internal ulong Start { get; } = start;

        internal byte[] Bytes { get; } = bytes;

        internal int Read { get; set; }
    }
}
