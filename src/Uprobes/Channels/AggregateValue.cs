namespace Uprobes.Channels;

/// <summary>What a map keeps for a key, merged over threads and channels. What its kind does not keep is 0 or empty.</summary>
internal sealed class AggregateValue
{
    private readonly MapDefinition _map;
    private readonly ulong[] _cell;

    internal AggregateValue(MapDefinition map, ulong[] cell) => (_map, _cell) = (map, cell);

    internal AggregateKind Kind => _map.Kind;

    /// <summary>The cell's words.</summary>
    internal ReadOnlySpan<ulong> Words => _cell;

    /// <summary>How many values were put in; of a map that sums or assigns, 0.</summary>
    internal ulong Count => Kind switch
    {
        AggregateKind.Count => _cell[0],
        AggregateKind.Sum or AggregateKind.Value => 0,
        AggregateKind.LogHistogram or AggregateKind.LinearHistogram => SumOfBuckets(),
        _ => _cell[1],
    };

    /// <summary>The sum of all values, modulo 2^64, in the value type's sign.</summary>
    internal Int128 Sum => Kind is AggregateKind.Sum or AggregateKind.Average or AggregateKind.Statistics ? Signed(_cell[0]) : 0;

    /// <summary>Sum by count; 0 where the kind keeps no count or sum.</summary>
    internal double Average => Kind is AggregateKind.Average or AggregateKind.Statistics && _cell[1] != 0 ? (double)Sum / _cell[1] : 0;

    /// <summary>The least value.</summary>
    internal Int128 Minimum => Kind switch
    {
        AggregateKind.Minimum => Signed(_cell[0] ^ _map.LeastMask),
        AggregateKind.Statistics => Signed(_cell[2] ^ _map.LeastMask),
        _ => 0,
    };

    /// <summary>The greatest value.</summary>
    internal Int128 Maximum => Kind switch
    {
        AggregateKind.Maximum => Signed(_cell[0] ^ _map.GreatestMask),
        AggregateKind.Statistics => Signed(_cell[3] ^ _map.GreatestMask),
        _ => 0,
    };

    /// <summary>The value last assigned, of maps of kind <see cref="AggregateKind.Value"/>.</summary>
    internal Int128 Value => Kind == AggregateKind.Value ? Signed(_cell[0]) : 0;

    /// <summary>How many values fell into each bucket; see <see cref="BoundsOf"/>.</summary>
    internal ReadOnlySpan<ulong> Buckets => Kind is AggregateKind.LogHistogram or AggregateKind.LinearHistogram ? _cell : [];

    /// <summary>The values of a bucket: the least, and the least beyond them.</summary>
    internal (Int128 Least, Int128 Limit) BoundsOf(int bucket) => HistogramBuckets.BoundsOf(_map, bucket);

    private Int128 Signed(ulong word) => _map.ValueType.IsSigned ? (long)word : word;

    private ulong SumOfBuckets()
    {
        ulong sum = 0;
        foreach (ulong bucket in _cell)
            sum += bucket;
        return sum;
    }
}
