namespace Uprobes.Channels;

/// <summary>
/// What a cell's words mean. A cell has one writer at a time; its count is written last and read first, so that whoever sees a count
/// sees values of that many hits at least.
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
            case AggregateKind.Minimum or AggregateKind.Maximum:
                PutExtreme(channel, cell, channel.Read(cell + 8), map, map.Kind == AggregateKind.Minimum, value);
                Increase(channel, cell + 8, 1);
                break;
            case AggregateKind.Statistics:
                ulong count = channel.Read(cell + 8);
                PutExtreme(channel, cell + 16, count, map, isLeast: true, value);
                PutExtreme(channel, cell + 24, count, map, isLeast: false, value);
                Increase(channel, cell, (ulong)value);
                channel.Write(cell + 8, count + 1);
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
        HasCount(map) ? words[1] == 0 : !words.ContainsAnyExcept(0ul);

    /// <summary>Whether a cell's words can be what writers leave.</summary>
    internal static bool IsPossible(MapDefinition map, ReadOnlySpan<ulong> words) => map.Kind switch
    {
        AggregateKind.Value => words[1] <= 1,
        AggregateKind.Minimum or AggregateKind.Maximum => words[1] == 0 || IsOfType(map.ValueType, words[0]),
        AggregateKind.Statistics => words[1] == 0 || (IsOfType(map.ValueType, words[2]) && IsOfType(map.ValueType, words[3])),
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
                into[0] = Extreme(map, into[0], cell[0], map.Kind == AggregateKind.Minimum);
                into[1] += cell[1];
                return;
            case AggregateKind.Statistics:
                into[0] += cell[0];
                into[1] += cell[1];
                into[2] = Extreme(map, into[2], cell[2], least: true);
                into[3] = Extreme(map, into[3], cell[3], least: false);
                return;
            default:
                for (int i = 0; i < into.Length; i++)
                    into[i] += cell[i];
                return;
        }
    }

    /// <summary>Whether a 64-bit word is a value of an integer type, extended by its sign.</summary>
    internal static bool IsOfType(DataType type, ulong word) => type.Wrap((long)word) == (long)word;

    private static void Increase(ChannelMemory channel, long offset, ulong by) => channel.Write(offset, channel.Read(offset) + by);

    private static void PutExtreme(ChannelMemory channel, long offset, ulong count, MapDefinition map, bool isLeast, long value)
    {
        ulong word = (ulong)value;
        channel.Write(offset, count == 0 ? word : Extreme(map, channel.Read(offset), word, isLeast));
    }

    private static ulong Extreme(MapDefinition map, ulong a, ulong b, bool least)
    {
        bool isLess = map.ValueType.IsSigned ? (long)a < (long)b : a < b;
        return isLess == least ? a : b;
    }
}
