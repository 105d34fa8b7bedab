using Uprobes.Script.Output;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <summary>The aggregate of one key: takes numbers in, one after the other.</summary>
internal abstract class MapAccumulator
{
    /// <summary>Makes an empty one for a map.</summary>
    /// <param name="map">Whose value type is an <see cref="AggregateType"/>.</param>
    internal static MapAccumulator Create(MapSymbol map)
    {
        AggregateType type = (AggregateType)map.ValueType;
        return type.Function switch
        {
            AggregateFunction.Hist => new LogAccumulator(map.Parameters.Count > 0 ? (int)map.Parameters[0] : 0),
            AggregateFunction.Lhist => new LinearAccumulator(map.Parameters[0], map.Parameters[1], map.Parameters[2]),
            AggregateFunction.Tseries => new SeriesAccumulator(map.Parameters, type.IsSigned),
            _ => new NumberAccumulator(type),
        };
    }

    /// <summary>Takes a number in.</summary>
    /// <param name="value">64 bits.</param>
    internal abstract void Add(long value);

    /// <summary>Forgets all numbers.</summary>
    internal abstract void Reset();

    /// <summary>What the numbers make so far; later ones do not change it.</summary>
    internal abstract ScriptValue Read();
}

/// <summary>Aggregates of one or two numbers.</summary>
internal sealed class NumberAccumulator(AggregateType type) : MapAccumulator
{
    private ulong _count;
    private long _total;
    private long _extreme;

    internal override void Add(long value)
    {
        bool isBeyond = type.Function == AggregateFunction.Min ? IsLess(value, _extreme) : IsLess(_extreme, value);
        if (_count == 0 || isBeyond)
            _extreme = value;
        _count++;
        unchecked
        {
            _total += value;
        }
    }

    internal override void Reset() => (_count, _total, _extreme) = (0, 0, 0);

    internal override ScriptValue Read() => type.Function switch
    {
        AggregateFunction.Count => ScriptValue.Count(_count),
        AggregateFunction.Sum => ScriptValue.Sum(_total, type.IsSigned),
        AggregateFunction.Min => ScriptValue.Minimum(_extreme, type.IsSigned),
        AggregateFunction.Max => ScriptValue.Maximum(_extreme, type.IsSigned),
        AggregateFunction.Avg => ScriptValue.Average(new ScriptStats(_count, _total, type.IsSigned)),
        AggregateFunction.Stats => ScriptValue.Stats(new ScriptStats(_count, _total, type.IsSigned)),
        _ => throw new InvalidOperationException($"{type.Function} is no aggregate of numbers."),
    };

    private bool IsLess(long left, long right) => type.IsSigned ? left < right : (ulong)left < (ulong)right;
}

/// <summary><c>hist()</c>. All values are taken as signed, as bpftrace does: a result of -1 that has no type is below 0.</summary>
internal sealed class LogAccumulator(int bits) : MapAccumulator
{
    private readonly ulong[] _counts = new ulong[LogHistogram.CountOfBuckets(bits)];

    internal override void Add(long value) => _counts[LogHistogram.IndexOf(value, bits)]++;

    internal override void Reset() => Array.Clear(_counts);

    internal override ScriptValue Read() => ScriptValue.Histogram(new LogHistogram(bits, (ulong[])_counts.Clone()));
}

/// <summary><c>lhist()</c>.</summary>
internal sealed class LinearAccumulator(long minimum, long maximum, long step) : MapAccumulator
{
    private readonly ulong[] _counts = new ulong[LinearHistogram.CountOfBuckets(minimum, maximum, step)];

    internal override void Add(long value) => _counts[LinearHistogram.IndexOf(value, minimum, maximum, step)]++;

    internal override void Reset() => Array.Clear(_counts);

    internal override ScriptValue Read() => ScriptValue.Histogram(new LinearHistogram(minimum, maximum, step, (ulong[])_counts.Clone()));
}
