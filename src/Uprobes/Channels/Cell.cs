namespace Uprobes.Channels;

/// <summary>
/// What a cell's words mean. Least and greatest values are masked, so that of both the greater word counts and a 0 is nothing yet.
/// The count is written last and read first, so that whoever sees a count sees values of that many hits at least.
/// </summary>
internal static class Cell
{
    /// <summary>Puts a value into the cell at an offset of the channel, in the way of the map's kind.</summary>
    internal static void Put(ChannelMemory channel, long cell, MapDefinition map, long value)
    {
        switch (map.Kind)
        {
            case AggregateKind.Count:
                Increase(channel, cell, 1);
                break;
            case AggregateKind.Sum:
                Increase(channel, cell, (ulong)value);
                break;
            case AggregateKind.Average:
                Increase(channel, cell, (ulong)value);
                Increase(channel, cell + 8, 1);
                break;
            case AggregateKind.Minimum:
                Raise(channel, cell, (ulong)value ^ map.LeastMask);
                Increase(channel, cell + 8, 1);
                break;
            case AggregateKind.Maximum:
                Raise(channel, cell, (ulong)value ^ map.GreatestMask);
                Increase(channel, cell + 8, 1);
                break;
            case AggregateKind.Statistics:
                Raise(channel, cell + 16, (ulong)value ^ map.LeastMask);
                Raise(channel, cell + 24, (ulong)value ^ map.GreatestMask);
                Increase(channel, cell, (ulong)value);
                Increase(channel, cell + 8, 1);
                break;
            case AggregateKind.LogHistogram or AggregateKind.LinearHistogram:
                Increase(channel, cell + (8 * HistogramBuckets.IndexOf(map, value)), 1);
                break;
            case AggregateKind.Value:
                channel.Write(cell, (ulong)value);
                channel.Write(cell + 8, 1);
                break;
        }
    }

    /// <summary>Whether a cell's second word tells how many values there are.</summary>
    internal static bool HasCount(MapDefinition map) => map.Kind is AggregateKind.Average or AggregateKind.Minimum
        or AggregateKind.Maximum or AggregateKind.Statistics or AggregateKind.Value;

    /// <summary>Whether nothing has been put into a cell. A sum or a count of 0 is such a cell too.</summary>
    internal static bool IsEmpty(MapDefinition map, ReadOnlySpan<ulong> words) =>
        HasCount(map) ? words[1] == 0 || words[map.PresenceWord] == 0 : !words.ContainsAnyExcept(0ul);

    /// <summary>Whether a cell's words can be what writers leave.</summary>
    internal static bool IsPossible(MapDefinition map, ReadOnlySpan<ulong> words) => map.Kind switch
    {
        AggregateKind.Value => words[1] <= 1 && (words[1] == 0 || IsOfType(map.ValueType, words[0])),
        AggregateKind.Minimum => IsExtreme(map, words[0], map.LeastMask),
        AggregateKind.Maximum => IsExtreme(map, words[0], map.GreatestMask),
        AggregateKind.Statistics => IsExtreme(map, words[2], map.LeastMask) && IsExtreme(map, words[3], map.GreatestMask),
        _ => true,
    };

    /// <summary>Merges one cell into another; neither is empty. Of two values the first stays.</summary>
    internal static void Merge(MapDefinition map, Span<ulong> into, ReadOnlySpan<ulong> cell)
    {
        switch (map.Kind)
        {
            case AggregateKind.Value:
                return;
            case AggregateKind.Minimum or AggregateKind.Maximum:
                into[0] = Math.Max(into[0], cell[0]);
                into[1] += cell[1];
                return;
            case AggregateKind.Statistics:
                into[0] += cell[0];
                into[1] += cell[1];
                into[2] = Math.Max(into[2], cell[2]);
                into[3] = Math.Max(into[3], cell[3]);
                return;
            default:
                for (int i = 0; i < into.Length; i++)
                    into[i] += cell[i];
                return;
        }
    }

    /// <summary>Whether a 64-bit word is a value of an integer type, extended by its sign.</summary>
    internal static bool IsOfType(DataType type, ulong word) => type.Wrap((long)word) == (long)word;

    /// <summary>Has nothing be in a cell, as if nothing had been put in.</summary>
    internal static void Clear(ChannelMemory channel, long cell, MapDefinition map)
    {
        if (map.Kind == AggregateKind.Value)
        {
            channel.Write(cell + 8, 0);
            return;
        }

        for (int word = map.CellWords - 1; word >= 0; word--)
            channel.Write(cell + (8 * word), 0);
    }

    // The target's threads may write the same cell.
    private static void Increase(ChannelMemory channel, long offset, ulong by) => channel.Add(offset, by);

    private static void Raise(ChannelMemory channel, long offset, ulong word)
    {
        ulong old = channel.Read(offset);
        while (word > old && !channel.CompareExchange(offset, old, word))
            old = channel.Read(offset);
    }

    // No value yet, or one of the type.
    private static bool IsExtreme(MapDefinition map, ulong word, ulong mask) => word == 0 || IsOfType(map.ValueType, word ^ mask);
}
