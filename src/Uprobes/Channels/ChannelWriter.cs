using System.Runtime.InteropServices;

namespace Uprobes.Channels;

/// <summary>
/// Does in C# what a target's emitted code does, so that one reader serves both: for the interpreter, and for tests. Used by one
/// thread at a time; readers may be at work meanwhile. Losses are counted in the channel.
/// </summary>
internal sealed class ChannelWriter
{
    private readonly ChannelMemory _channel;
    private readonly IReadOnlyList<EventDefinition> _events;
    private readonly Dictionary<ulong, int> _slots = [];

    /// <summary>Keys deleted of each map since it was swept.</summary>
    private readonly int[] _deleted;

    /// <summary>Writes to a channel, which outlives the writer's last call.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="events">The group's events.</param>
    internal ChannelWriter(ChannelMemory channel, IReadOnlyList<EventDefinition> events) =>
        (_channel, _events, _deleted) = (channel, events, new int[channel.Layout.Maps.Count]);

    /// <summary>Whether no other program writes the channel, so that deleted keys may make room for others at any moment.</summary>
    internal bool Sweeps { get; init; }

    private ChannelLayout Layout => _channel.Layout;

    /// <summary>A thread's slot.</summary>
    /// <param name="key">Any number but 0 that no other thread has.</param>
    /// <param name="tid">The thread's id, for readers.</param>
    /// <returns>The slot; -1, and a lost hit, where none is free.</returns>
    internal int SlotOf(ulong key, int tid)
    {
        if (_slots.TryGetValue(key, out int slot))
            return slot;
        slot = ChannelThreads.FindOrAdd(_channel, key, tid);
        if (slot < 0)
            _channel.Add(ChannelLayout.LostThreadsOffset, 1);
        else
            _slots.Add(key, slot);
        return slot;
    }

    /// <summary>Another thread may have this one's slot. What it has written stays.</summary>
    internal void ThreadEnded(ulong key)
    {
        if (_slots.Remove(key, out int slot))
            ChannelThreads.Remove(_channel, slot);
    }

    /// <summary>Puts a value into a map's cell, in the way of the map's kind.</summary>
    /// <param name="slot">The thread's.</param>
    /// <param name="map">Which map.</param>
    /// <param name="probe">The probe's index; only counts for a map without a key.</param>
    /// <param name="key">The key as it is stored; empty for a map without one.</param>
    /// <param name="value">The value, extended to 64 bits; nothing for a map that counts.</param>
    internal void AddToCell(int slot, int map, int probe, ReadOnlySpan<ulong> key, long value)
    {
        long cell = CellOf(slot, map, probe, key, insert: true);
        if (cell < 0 && Sweeps && _deleted[map] >= TableSweep.Least(Layout.Maps[map]))
        {
            _deleted[map] = 0;
            TableSweep.Sweep(_channel, map);
            cell = CellOf(slot, map, probe, key, insert: true);
        }

        if (cell >= 0)
            Cell.Put(_channel, cell, Layout.Maps[map], value);
        else
            Increase(slot, ChannelLayout.LostKeysOffset);
    }

    /// <summary>The value of a map of kind <see cref="AggregateKind.Value"/>; false, and 0, where there is none.</summary>
    internal bool TryRead(int slot, int map, int probe, ReadOnlySpan<ulong> key, out long value)
    {
        long cell = CellOf(slot, map, probe, key, insert: false);
        bool isThere = cell >= 0 && _channel.Read(cell + 8) != 0;
        value = isThere ? (long)_channel.Read(cell) : 0;
        return isThere;
    }

    /// <summary>A word of a key's cell, of a map that is read; 0 where there is none.</summary>
    internal ulong ReadWord(int slot, int map, ReadOnlySpan<ulong> key, int word) =>
        CellOf(slot, map, 0, key, insert: false) is >= 0 and var cell ? _channel.Read(cell + (8 * word)) : 0;

    /// <summary>Takes a key's value out of a shared map (<see cref="MapDefinition.IsShared"/>). The key keeps its entry until a sweep (<see cref="TableSweep"/>).</summary>
    internal void Delete(int slot, int map, int probe, ReadOnlySpan<ulong> key)
    {
        long cell = CellOf(slot, map, probe, key, insert: false);
        if (cell < 0)
            return;
        Cell.Clear(_channel, cell, Layout.Maps[map]);
        if (Layout.Maps[map].IsKeyed)
            _deleted[map]++;
    }

    /// <summary>Sends an event.</summary>
    /// <param name="slot">The thread's.</param>
    /// <param name="number">Which event.</param>
    /// <param name="tid">The thread's id.</param>
    /// <param name="ticks">The time stamp counter.</param>
    /// <param name="fields">As they are stored.</param>
    /// <returns>False, and a lost event, where the ring has no room.</returns>
    internal bool Emit(int slot, int number, int tid, ulong ticks, ReadOnlySpan<ulong> fields)
    {
        if (!TryReserve(slot, number, tid, out long record))
            return false;
        Commit(record, ticks, fields);
        return true;
    }

    /// <summary>Takes room for an event; readers wait for <see cref="Commit"/>. Others may be sent in between, as by a signal handler.</summary>
    internal bool TryReserve(int slot, int number, int tid, out long record)
    {
        long thread = ChannelThreads.RecordOffset(Layout, slot);
        int size = _events[number].RecordSize;
        ulong head = _channel.Read(thread + ChannelLayout.RingHeadOffset), tail = _channel.Read(thread + ChannelLayout.RingTailOffset);
        record = thread + Layout.RingOffset + (long)(head & (ulong)(Layout.RingBytes - 1));
        if (head - tail + (ulong)size > (ulong)Layout.RingBytes)
        {
            Increase(slot, ChannelLayout.LostEventsOffset);
            return false;
        }

        _channel.Write(thread + ChannelLayout.RingHeadOffset, head + (ulong)size);
        _channel.Write(record, RingRecord.HeaderOf(size, number, tid));
        return true;
    }

    /// <summary>Fills a reserved event and gives it to the readers.</summary>
    internal void Commit(long record, ulong ticks, ReadOnlySpan<ulong> fields)
    {
        _channel.Write(record + 8, ticks);
        MemoryMarshal.AsBytes(fields).CopyTo(_channel.Bytes(record + RingRecord.HeaderSize, fields.Length * 8));
        _channel.Write(record, _channel.Read(record) | RingRecord.Whole);
    }

    /// <summary>Counts a read of memory that was not there.</summary>
    internal void CountFailedRead(int slot) => Increase(slot, ChannelLayout.FailedReadsOffset);

    /// <summary>Counts a call whose return cannot be followed.</summary>
    internal void CountLostReturn(int slot) => Increase(slot, ChannelLayout.LostReturnsOffset);

    /// <summary>Counts another loss.</summary>
    internal void CountOtherLoss() => _channel.Add(ChannelLayout.LostOtherOffset, 1);

    private long CellOf(int slot, int map, int probe, ReadOnlySpan<ulong> key, bool insert) => Layout.Maps[map].IsKeyed
        ? KeyedTable.Find(_channel, map, key, insert)
        : ChannelThreads.RecordOffset(Layout, slot) + Layout.CellsOffset(map) + (8L * Layout.Maps[map].CellWords * probe);

    private void Increase(int slot, int offset) => _channel.Add(ChannelThreads.RecordOffset(Layout, slot) + offset, 1);
}
