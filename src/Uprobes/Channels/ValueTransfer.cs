namespace Uprobes.Channels;

/// <summary>
/// Values that programs read back, put into a channel or moved to another by the tracer. Programs may be at work in it: of a value that
/// both set at once, one stays.
/// </summary>
internal static class ValueTransfer
{
    /// <summary>Moves what the maps of kind <see cref="AggregateKind.Value"/> with a key hold to a channel of the same layout, where no value is there yet.</summary>
    /// <param name="from">Nobody writes it any more.</param>
    /// <param name="to">Where there is no room, a lost value is counted.</param>
    internal static void Move(ChannelMemory from, ChannelMemory to)
    {
        for (int map = 0; map < from.Layout.Maps.Count; map++)
        {
            if (from.Layout.Maps[map] is not { Kind: AggregateKind.Value, IsKeyed: true })
                continue;
            foreach ((MapKey key, AggregateValue value) in MapReader.Read([from], map).Rows)
            {
                Set(to, map, key.Stored, (long)value.Value);
                Delete(from, map, key.Stored);
            }
        }
    }

    /// <summary>Gives a key of such a map a value. Where there is no room, a lost value is counted.</summary>
    internal static void Set(ChannelMemory channel, int map, ReadOnlySpan<ulong> key, long value)
    {
        long cell = KeyedTable.Find(channel, map, key, insert: true);
        if (cell >= 0)
            Cell.Put(channel, cell, channel.Layout.Maps[map], value);
        else
            channel.Add(ChannelLayout.LostOtherOffset, 1);
    }

    /// <summary>Takes a key's value out.</summary>
    internal static void Delete(ChannelMemory channel, int map, ReadOnlySpan<ulong> key)
    {
        long cell = KeyedTable.Find(channel, map, key, insert: false);
        if (cell >= 0)
            channel.Write(cell + 8, 0);
    }
}
