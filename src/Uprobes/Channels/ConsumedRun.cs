namespace Uprobes.Channels;

/// <summary>
/// The part of a ring that has been read but not given back. Before the tail moves it is filled with zeros, so that a word of 0 at
/// the head of what is written later means that it has not been written.
/// </summary>
internal struct ConsumedRun
{
    private readonly ChannelMemory _channel;
    private readonly long _ring, _tail;
    private readonly ulong _mask;
    private long _start, _end;

    /// <param name="channel">The channel.</param>
    /// <param name="thread">Where the thread's record is in it.</param>
    /// <param name="tail">Bytes consumed and given back, ever growing.</param>
    internal ConsumedRun(ChannelMemory channel, long thread, ulong tail)
    {
        _channel = channel;
        _ring = thread + channel.Layout.RingOffset;
        _tail = thread + ChannelLayout.RingTailOffset;
        _mask = (ulong)channel.Layout.RingBytes - 1;
        End = tail;
        _start = _end = Place;
    }

    /// <summary>Bytes consumed, ever growing.</summary>
    internal ulong End { get; private set; }

    /// <summary>Bytes consumed and not given back.</summary>
    internal int Bytes { get; private set; }

    /// <summary>Where the next record is in the channel.</summary>
    internal readonly long Place => PlaceOf(End);

    /// <summary>Where a position of the ring is in the channel.</summary>
    internal readonly long PlaceOf(ulong position) => _ring + (long)(position & _mask);

    /// <summary>Consumes a record, which lies in one piece: the last before the ring's end reaches into the slack behind it.</summary>
    internal void Take(int size)
    {
        if (Place != _end)
        {
            Clear();
            _start = Place;
        }

        _end = Place + size;
        End += (ulong)size;
        Bytes += size;
    }

    /// <summary>Consumes bytes of records unknown, which may go on at the ring's start.</summary>
    internal void Skip(int size)
    {
        for (; size > 0; size -= 8)
            Take(8);
    }

    /// <summary>Gives back what was consumed.</summary>
    internal void Release()
    {
        if (Bytes == 0)
            return;
        Clear();
        _start = _end = Place;
        Bytes = 0;
        _channel.Write(_tail, End);
    }

    private readonly void Clear() => _channel.Bytes(_start, (int)(_end - _start)).Clear();
}
