namespace Uprobes.Channels;

/// <summary>
/// An array of items in a channel, most of whose pages have never been written. Only those that had memory when the area was looked
/// at are touched: reading another through a mapping would give it memory, at the target's expense.
/// </summary>
internal sealed class SparseArea
{
    private readonly ChannelMemory _channel;
    private readonly long _start, _firstPage;
    private readonly int _size;
    private readonly bool[]? _pages;
    private readonly List<(long Start, long End)> _parts = [];

    /// <param name="channel">The channel, which the caller holds.</param>
    /// <param name="start">Offset of the first item.</param>
    /// <param name="size">Bytes of an item, a multiple of 8.</param>
    /// <param name="count">How many.</param>
    internal SparseArea(ChannelMemory channel, long start, int size, int count)
    {
        (_channel, _start, _size) = (channel, start, size);
        long end = start + ((long)size * count);
        _firstPage = start / ChannelLayout.PageSize;
        if (channel.HasHoles && count > 0)
            _pages = new bool[((end - 1) / ChannelLayout.PageSize) - _firstPage + 1];
        for (long offset = start; offset < end;)
        {
            (long from, offset) = channel.NextData(offset, end);
            if (from == offset)
                break;
            _parts.Add((from, offset));
            if (_pages is null)
                continue;
            int first = (int)((from / ChannelLayout.PageSize) - _firstPage), last = (int)(((offset - 1) / ChannelLayout.PageSize) - _firstPage);
            _pages.AsSpan(first, last - first + 1).Fill(true);
        }
    }

    /// <summary>The items of which some part may be other than zeros, in order.</summary>
    internal IEnumerable<int> Items
    {
        get
        {
            int next = 0;
            foreach ((long from, long end) in _parts)
            {
                int limit = (int)((end - _start + _size - 1) / _size);
                for (next = Math.Max(next, (int)((from - _start) / _size)); next < limit; next++)
                    yield return next;
            }
        }
    }

    /// <summary>A word of an item.</summary>
    /// <param name="item">Which item.</param>
    /// <param name="offset">Of the word in it.</param>
    internal ulong Read(int item, int offset)
    {
        long place = _start + ((long)_size * item) + offset;
        return _pages is null || _pages[(place / ChannelLayout.PageSize) - _firstPage] ? _channel.Read(place) : 0;
    }
}
