using System.Runtime.InteropServices;

namespace Uprobes.Channels;

/// <summary>
/// Reads the events of a channel out of the rings of all its threads, and makes room for more. One thread at a time uses it, and a
/// channel has one. What the target writes is not believed: a record is copied, then looked at, and a ring that makes no sense is
/// left alone from then on (<see cref="Faults"/>). Events of one thread come in order, those of several threads one thread after the other.
/// </summary>
internal sealed class RingReader
{
    /// <summary>How long a record may stay unfinished though the thread has written later ones.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // How much is read before the target gets the room back.
    private const int BatchBytes = 64 * 1024;

    private readonly ChannelMemory _channel;
    private readonly EventShape[] _events;
    private readonly TimeProvider _time;
    private readonly Ring[] _rings;
    private readonly List<RingFault> _faults = [];
    private readonly ulong[] _record = new ulong[ChannelLayout.LargestRecord / 8];

    /// <summary>Reads a channel from its start.</summary>
    /// <param name="channel">A new channel; lent.</param>
    /// <param name="events">The group's events.</param>
    /// <param name="time">For records that stay unfinished; null for the system's.</param>
    internal RingReader(ChannelMemory channel, IReadOnlyList<EventDefinition> events, TimeProvider? time = null)
    {
        (_channel, _time) = (channel, time ?? TimeProvider.System);
        _events = [.. events.Select(e => new EventShape(e))];
        _rings = new Ring[channel.Layout.RingBytes == 0 ? 0 : channel.Layout.ThreadSlots];
    }

    /// <summary>Records that were never finished, and were skipped.</summary>
    internal long Unfinished { get; private set; }

    /// <summary>Records whose texts are longer than can be, and that were skipped.</summary>
    internal long Corrupt { get; private set; }

    /// <summary>The rings that are no longer read, in the order in which that was found out.</summary>
    internal IReadOnlyList<RingFault> Faults => _faults;

    /// <summary>Reads all events that are there now, at most a full ring of each thread.</summary>
    /// <param name="visitor">Gets each; an exception of it goes through, and the event counts as read.</param>
    /// <returns>How many there were.</returns>
    /// <exception cref="ObjectDisposedException">The channel has been disposed.</exception>
    internal long Drain<TVisitor>(ref TVisitor visitor)
        where TVisitor : IEventVisitor, allows ref struct
    {
        using ChannelHold hold = _channel.Hold();
        long count = 0;
        for (int slot = 0; slot < _rings.Length; slot++)
        {
            if (!_rings[slot].IsFaulty && ChannelThreads.TryRead(_channel, slot, out _))
                count += Drain(slot, ref visitor);
        }

        return count;
    }

    /// <summary>Reads all events that are there now.</summary>
    internal List<EventRecord> Drain()
    {
        var list = new ListVisitor([]);
        Drain(ref list);
        return list.Events;
    }

    private long Drain<TVisitor>(int slot, ref TVisitor visitor)
        where TVisitor : IEventVisitor, allows ref struct
    {
        ref Ring ring = ref _rings[slot];
        long thread = ChannelThreads.RecordOffset(_channel.Layout, slot);
        ulong head = _channel.Read(thread + ChannelLayout.RingHeadOffset);
        ulong left = head - ring.Tail;
        if (left > (ulong)_channel.Layout.RingBytes || (head & 7) != 0)
        {
            Fault(slot, RingFaultKind.ImpossibleHead, 0);
            return 0;
        }

        if (_channel.Read(thread + ChannelLayout.RingTailOffset) != ring.Tail)
        {
            Fault(slot, RingFaultKind.MovedTail, (int)left);
            return 0;
        }

        var run = new ConsumedRun(_channel, thread, ring.Tail);
        long count = 0;
        try
        {
            while (run.End != head && TryNext(slot, head, ref run, out ulong header, out bool isEvent))
            {
                if (run.Bytes >= BatchBytes)
                    run.Release();
                if (!isEvent)
                    continue;
                count++;
                EventShape shape = _events[RingRecord.NumberOf(header)];
                visitor.Visit(new EventView(shape, slot, header, _record.AsSpan(0, shape.RecordSize / 8)));
            }
        }
        finally
        {
            run.Release();
            ring.Tail = run.End;
        }

        return count;
    }

    /// <summary>Takes the next record out, or skips one.</summary>
    /// <returns>False where reading stops for now.</returns>
    private bool TryNext(int slot, ulong head, ref ConsumedRun run, out ulong header, out bool isEvent)
    {
        isEvent = false;
        long place = run.Place;
        header = _channel.Read(place);
        if (header == 0)
            return HasRunOutOfPatience(slot, run.End) && TryFindLater(head, ref run);

        ulong size = (ulong)RingRecord.SizeOf(header), left = head - run.End;
        if (!IsPossible(header) || size > left)
        {
            Fault(slot, RingFaultKind.ImpossibleRecord, (int)left);
            return false;
        }

        if (!RingRecord.IsWhole(header))
        {
            if (size == left || !HasRunOutOfPatience(slot, run.End))
                return false;
            run.Take((int)size);
            Unfinished++;
            return true;
        }

        _channel.Bytes(place, (int)size).CopyTo(MemoryMarshal.AsBytes(_record.AsSpan()));
        run.Take((int)size);
        isEvent = HasPossibleTexts(_events[RingRecord.NumberOf(header)]);
        if (!isEvent)
            Corrupt++;
        return true;
    }

    // The thread had taken the room but not even written the size when it was stopped, for ever it seems. Whatever later record there is
    // shows where its room ends.
    private bool TryFindLater(ulong head, ref ConsumedRun run)
    {
        for (ulong end = run.End + RingRecord.HeaderSize; end < head; end += 8)
        {
            ulong header = _channel.Read(run.PlaceOf(end));
            if (!IsPossible(header) || (ulong)RingRecord.SizeOf(header) > head - end)
                continue;
            run.Skip((int)(end - run.End));
            Unfinished++;
            return true;
        }

        return false;
    }

    private bool HasRunOutOfPatience(int slot, ulong position)
    {
        ref Ring ring = ref _rings[slot];
        if (ring.IsWaiting && ring.WaitsAt == position)
            return _time.GetElapsedTime(ring.WaitsSince) > Patience;
        (ring.IsWaiting, ring.WaitsAt, ring.WaitsSince) = (true, position, _time.GetTimestamp());
        return false;
    }

    private bool IsPossible(ulong header) =>
        RingRecord.NumberOf(header) < _events.Length && RingRecord.SizeOf(header) == _events[RingRecord.NumberOf(header)].RecordSize;

    private bool HasPossibleTexts(EventShape shape)
    {
        foreach (int field in shape.Texts)
        {
            if ((uint)_record[2 + shape.Offsets[field]] > shape.Types[field].Capacity)
                return false;
        }

        return true;
    }

    private void Fault(int slot, RingFaultKind kind, int unread)
    {
        _rings[slot].IsFaulty = true;
        ChannelThreads.TryRead(_channel, slot, out ChannelThread thread);
        _faults.Add(new RingFault(slot, thread.ThreadId, kind, unread));
    }

    private struct Ring
    {
        internal ulong Tail, WaitsAt;
        internal long WaitsSince;
        internal bool IsWaiting, IsFaulty;
    }

    private readonly record struct ListVisitor(List<EventRecord> Events) : IEventVisitor
    {
        public void Visit(in EventView view) => Events.Add(view.ToRecord());
    }
}
