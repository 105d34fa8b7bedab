namespace Uprobes.Channels;

/// <summary>
/// Takes keys without values out of shared maps (<see cref="MapDefinition.IsShared"/>), so that their entries serve others. A key that a program
/// deletes keeps its entry: another thread may have found it and be about to write its cell, and no instruction writes a value only if the entry is
/// still that key's. So entries change hands only while no thread is in a program; readers and the tracer's other threads wait (<see cref="ChannelMemory.Tables"/>).
/// </summary>
internal static class TableSweep
{
    /// <summary>A sweep is due when one entry of so many is taken by a key without a value: so far apart, most keys find room near their places.</summary>
    private const int Share = 4;

    /// <summary>Hashes spread keys evenly: so many entries tell of all.</summary>
    private const int Sample = 1024;

    /// <summary>So many keys without values make a sweep due.</summary>
    internal static int Least(MapDefinition map) => Math.Max(1, map.Capacity / Share);

    /// <summary>Whether a map of a channel, which the caller holds, has many keys without values.</summary>
    internal static bool IsDue(ChannelMemory channel, int map)
    {
        MapDefinition definition = channel.Layout.Maps[map];
        if (!Holds(definition))
            return false;
        int without = 0, count = Math.Min(Sample, definition.Capacity);
        SparseArea entries = EntriesOf(channel, map, count);
        foreach (int index in entries.Items)
        {
            if (entries.Read(index, 0) != 0 && entries.Read(index, HasValue(definition)) == 0)
                without++;
        }

        return without >= Least(definition with { Capacity = count });
    }

    /// <summary>Has a map of a channel hold the keys that have values, and nothing else. Nobody writes it; the caller holds it.</summary>
    internal static void Sweep(ChannelMemory channel, int map)
    {
        MapDefinition definition = channel.Layout.Maps[map];
        lock (channel.Tables)
        {
            IReadOnlyDictionary<MapKey, AggregateValue> rows = MapReader.Read([channel], map).Rows;
            // Beyond an empty entry no key lies, seen from the place that its hash gives. Put in again from there on, in the order of those
            // places, none comes to lie farther off than the farthest did, at the wrap-around neither.
            if (FindEmpty(definition, rows.Keys) is not { } empty)
                return; // Every entry's key has a value.
            SparseArea entries = EntriesOf(channel, map, definition.Capacity);
            foreach (int index in entries.Items)
            {
                long entry = KeyedTable.EntryOffset(channel.Layout, map, index);
                Cell.Clear(channel, entry + 8 + definition.KeySize, definition); // Otherwise the next key in it had its value for a moment.
                channel.Write(entry, 0);
            }

            foreach ((MapKey key, AggregateValue value) in rows.OrderBy(row => (KeyedTable.FirstIndex(definition, KeyHash.StateOf(row.Key.Stored)) - empty) & (definition.Capacity - 1)))
                ValueTransfer.SetCell(channel, map, key.Stored, value.Words);
        }
    }

    /// <summary>
    /// An entry that is empty when nothing but some keys is in the map; null where they fill it. Which entries these take does not depend on the order in which they are put in:
    /// each goes to the first that is free from its place on.
    /// </summary>
    private static int? FindEmpty(MapDefinition map, IEnumerable<MapKey> keys)
    {
        int[] counts = new int[map.Capacity];
        foreach (MapKey key in keys)
            counts[KeyedTable.FirstIndex(map, KeyHash.StateOf(key.Stored))]++;
        int carried = 0;
        for (int i = 0; i < 2 * map.Capacity; i++)
        {
            // The second time round it is known what the end hands on to the beginning.
            int index = i & (map.Capacity - 1), here = carried + counts[index];
            if (here == 0 && i >= map.Capacity)
                return index;
            carried = Math.Max(0, here - 1);
        }

        return null;
    }

    private static bool Holds(MapDefinition map) => map is { IsShared: true, IsKeyed: true };

    /// <summary>Offset in an entry of the word that tells whether there is a value.</summary>
    private static int HasValue(MapDefinition map) => 8 + map.KeySize + (8 * map.PresenceWord);

    private static SparseArea EntriesOf(ChannelMemory channel, int map, int count) =>
        new(channel, channel.Layout.TableOffset(map), channel.Layout.EntrySize(map), count);
}
