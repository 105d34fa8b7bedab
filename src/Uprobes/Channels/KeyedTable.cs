namespace Uprobes.Channels;

/// <summary>Finds the entries of a map with a key, as emitted code does.</summary>
internal static class KeyedTable
{
    /// <summary>What <see cref="Find"/> gives for a key that another thread may be putting in at this moment.</summary>
    internal const long Busy = -2;

    internal const ulong Writing = 1, Present = 3, StateBits = 3;

    /// <summary>Where an entry is in the channel.</summary>
    internal static long EntryOffset(ChannelLayout layout, int map, int index) =>
        layout.TableOffset(map) + ((long)layout.EntrySize(map) * index);

    /// <summary>
    /// Whether an entry may be at an index: fewer than <see cref="ChannelLayout.ProbeWindow"/> places behind the one that its hash gives. Of a table that is half full every key
    /// then finds room: runs of full entries are so long once in 10^10 keys or more.
    /// </summary>
    internal static bool IsInReach(MapDefinition map, ulong hash, int index) =>
        ((index - FirstIndex(map, hash)) & (map.Capacity - 1)) < ChannelLayout.ProbeWindow;

    /// <summary>The indexes at which a key may be.</summary>
    internal static IEnumerable<int> Places(MapDefinition map, ReadOnlySpan<ulong> key)
    {
        int first = FirstIndex(map, KeyHash.StateOf(key));
        return Enumerable.Range(0, Math.Min(ChannelLayout.ProbeWindow, map.Capacity)).Select(place => (first + place) & (map.Capacity - 1));
    }

    /// <summary>Finds a key's cell, or puts the key in.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="map">Which of its maps.</param>
    /// <param name="key">The key as it is stored.</param>
    /// <param name="insert">Whether to put the key in where it is not there.</param>
    /// <returns>The cell's offset; -1 where the key is not there, or there is no room; <see cref="Busy"/>.</returns>
    internal static long Find(ChannelMemory channel, int map, ReadOnlySpan<ulong> key, bool insert)
    {
        ChannelLayout layout = channel.Layout;
        MapDefinition definition = layout.Maps[map];
        ulong hash = KeyHash.StateOf(key);
        int places = Math.Min(ChannelLayout.ProbeWindow, definition.Capacity);
        for (int place = 0; place < places; place++)
        {
            long entry = EntryOffset(layout, map, (FirstIndex(definition, hash) + place) & (definition.Capacity - 1));
            ulong state = channel.Read(entry);
            if (state == 0)
            {
                if (!insert)
                    return -1;
                if (channel.CompareExchange(entry, 0, hash | Writing))
                    return Insert(channel, entry, definition, hash, key);
                state = channel.Read(entry);
            }

            if (state == (hash | Present) && Holds(channel, entry, key))
                return entry + 8 + definition.KeySize;
            if (state == (hash | Writing))
                return Busy;
        }

        return -1;
    }

    /// <summary>The index that a key's hash gives.</summary>
    internal static int FirstIndex(MapDefinition map, ulong hash) => (int)(hash >> 2) & (map.Capacity - 1);

    private static long Insert(ChannelMemory channel, long entry, MapDefinition map, ulong hash, ReadOnlySpan<ulong> key)
    {
        for (int i = 0; i < key.Length; i++)
            channel.Write(entry + 8 + (8 * i), key[i]);
        channel.Write(entry, hash | Present);
        return entry + 8 + map.KeySize;
    }

    private static bool Holds(ChannelMemory channel, long entry, ReadOnlySpan<ulong> key)
    {
        for (int i = 0; i < key.Length; i++)
        {
            if (channel.Read(entry + 8 + (8 * i)) != key[i])
                return false;
        }

        return true;
    }
}
