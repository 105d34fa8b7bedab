using Uprobes.Channels;
using Uprobes.Script.Output;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>What a table in shared memory holds for a key of the script: numbers that can be added and taken away.</summary>
internal sealed class ChannelNumbers
{
    private ulong _count;
    private long _sum;
    private Int128? _least, _greatest;
    private ulong[] _buckets = [];

    /// <summary>Whether nothing is in it.</summary>
    internal bool IsNothing => _count == 0 && _sum == 0 && _buckets.All(b => b == 0);

    /// <summary>Adds what a row holds.</summary>
    internal void Add(AggregateValue row)
    {
        _count += row.Count;
        _sum = unchecked(_sum + (row.Kind == AggregateKind.Value ? (long)row.Value : (long)row.Sum));
        if (row.Kind == AggregateKind.Minimum)
            _least = _least is { } least ? Int128.Min(least, row.Minimum) : row.Minimum;
        if (row.Kind == AggregateKind.Maximum)
            _greatest = _greatest is { } greatest ? Int128.Max(greatest, row.Maximum) : row.Maximum;
        if (_buckets.Length < row.Buckets.Length)
            _buckets = new ulong[row.Buckets.Length];
        for (int i = 0; i < row.Buckets.Length; i++)
            _buckets[i] += row.Buckets[i];
    }

    /// <summary>Takes away what was in it at an earlier time.</summary>
    internal ChannelNumbers Since(ChannelNumbers? earlier)
    {
        if (earlier is null)
            return this;
        return new ChannelNumbers
        {
            _count = _count - earlier._count,
            _sum = unchecked(_sum - earlier._sum),
            _least = _least,
            _greatest = _greatest,
            _buckets = [.. _buckets.Select((b, i) => b - (i < earlier._buckets.Length ? earlier._buckets[i] : 0))],
        };
    }

    /// <summary>What the script has of it.</summary>
    internal ScriptValue Read(LoweredMap map, TypeCatalog types) => map.Symbol.ValueType switch
    {
        AggregateType { Function: AggregateFunction.Count } => ScriptValue.Count(_count),
        AggregateType { Function: AggregateFunction.Sum, IsSigned: var isSigned } => ScriptValue.Sum(_sum, isSigned),
        AggregateType { Function: AggregateFunction.Min, IsSigned: var isSigned } => ScriptValue.Minimum((long)(ulong)((_least ?? 0) & ulong.MaxValue), isSigned),
        AggregateType { Function: AggregateFunction.Max, IsSigned: var isSigned } => ScriptValue.Maximum((long)(ulong)((_greatest ?? 0) & ulong.MaxValue), isSigned),
        AggregateType { Function: AggregateFunction.Avg, IsSigned: var isSigned } => ScriptValue.Average(new ScriptStats(_count, _sum, isSigned)),
        AggregateType { Function: AggregateFunction.Stats, IsSigned: var isSigned } => ScriptValue.Stats(new ScriptStats(_count, _sum, isSigned)),
        AggregateType { Function: AggregateFunction.Hist } => ScriptValue.Histogram(new LogHistogram(map.Definition.Bits, _buckets)),
        AggregateType => ScriptValue.Histogram(new LinearHistogram(map.Symbol.Parameters[0], map.Symbol.Parameters[1], map.Symbol.Parameters[2], _buckets)),
        var type => TypedValue.OfBits(_sum, type, types),
    };
}
