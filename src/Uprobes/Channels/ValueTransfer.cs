namespace Uprobes.Channels;

/// <summary>
/// Values that programs read back, put into a channel or moved to another by the tracer. Programs may be at work in it: of a value that
/// both set at once, one stays.
/// </summary>
internal static class ValueTransfer
{
    /// <summary>
    /// How often a key is looked for that another thread may be putting in: that takes a few instructions, but the thread may stand still, and a
    /// corrupt target leaves it so for ever.
    /// </summary>
    private const int Attempts = 1000;

    /// <summary>Moves what shared maps with a key hold to a channel of the same layout, where nothing is there yet.</summary>
    /// <param name="from">Nobody writes it any more.</param>
    /// <param name="to">Where there is no room, a lost value is counted.</param>
    internal static void Move(ChannelMemory from, ChannelMemory to)
    {
        for (int map = 0; map < from.Layout.Maps.Count; map++)
        {
            if (from.Layout.Maps[map] is not { IsShared: true, IsKeyed: true })
                continue;
            foreach ((MapKey key, AggregateValue value) in MapReader.Read([from], map).Rows)
            {
                SetCell(to, map, key.Stored, value.Words);
                Delete(from, map, key.Stored);
            }
        }
    }

    /// <summary>Gives a key of a shared map, which has nothing yet and which nobody else puts in, a cell's words.</summary>
    internal static void SetCell(ChannelMemory channel, int map, ReadOnlySpan<ulong> key, ReadOnlySpan<ulong> words)
    {
        lock (channel.Tables)
        {
            long cell = Find(channel, map, key, insert: true, pause: null);
            for (int word = 0; word < words.Length && cell >= 0; word++)
                channel.Write(cell + (8 * word), words[word]);
            if (cell < 0)
                channel.Add(ChannelLayout.LostOtherOffset, 1);
        }
    }

    /// <summary>
    /// Gives a key of such a map a value. Where there is no room, or another thread does not come to an end with the same key, a lost value is
    /// counted.
    /// </summary>
    /// <param name="channel">Where.</param>
    /// <param name="map">Which of its maps.</param>
    /// <param name="key">The key as it is stored.</param>
    /// <param name="value">What it gets.</param>
    /// <param name="pause">Called between two looks at a key that another thread is putting in; without one the processor is left to others.</param>
    internal static void Set(ChannelMemory channel, int map, ReadOnlySpan<ulong> key, long value, Action? pause = null)
    {
        lock (channel.Tables)
        {
            long cell = Find(channel, map, key, insert: true, pause);
            if (cell >= 0)
                Cell.Put(channel, cell, channel.Layout.Maps[map], value);
            else
                channel.Add(ChannelLayout.LostOtherOffset, 1);
        }
    }

    /// <summary>Takes a key's value out.</summary>
    internal static void Delete(ChannelMemory channel, int map, ReadOnlySpan<ulong> key)
    {
        lock (channel.Tables)
        {
            long cell = Find(channel, map, key, insert: false, pause: null);
            if (cell >= 0)
                Cell.Clear(channel, cell, channel.Layout.Maps[map]);
        }
    }

    private static long Find(ChannelMemory channel, int map, ReadOnlySpan<ulong> key, bool insert, Action? pause)
    {
        long cell = KeyedTable.Find(channel, map, key, insert);
        for (int attempt = 1; cell == KeyedTable.Busy && attempt < Attempts; attempt++)
        {
            if (pause is null)
                Thread.Yield();
            else
                pause();
            cell = KeyedTable.Find(channel, map, key, insert);
        }

        return cell;
    }
}
