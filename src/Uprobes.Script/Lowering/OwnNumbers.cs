using Uprobes.Script.Output;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Adds what actions in this process have put into a map to what programs have.</summary>
internal static class OwnNumbers
{
    /// <summary>Both values in one.</summary>
    /// <param name="map">The map; its values decide how.</param>
    /// <param name="theirs">What programs have put in.</param>
    /// <param name="own">What was put in here.</param>
    internal static ScriptValue Add(MapSymbol map, in ScriptValue theirs, in ScriptValue own)
    {
        if (map.ValueType is not AggregateType aggregate)
            return map.ValueType is IntegerType integer ? ScriptValue.Integer(unchecked(theirs.Bits + own.Bits), integer.Bits, integer.IsSigned) : own;
        bool isSigned = aggregate.IsSigned;
        return aggregate.Function switch
        {
            AggregateFunction.Count => ScriptValue.Count((ulong)(theirs.Bits + own.Bits)),
            AggregateFunction.Sum => ScriptValue.Sum(unchecked(theirs.Bits + own.Bits), isSigned),
            AggregateFunction.Min => IsLess(own.Bits, theirs.Bits, isSigned) ? own : theirs,
            AggregateFunction.Max => IsLess(own.Bits, theirs.Bits, isSigned) ? theirs : own,
            AggregateFunction.Avg => ScriptValue.Average(Add(theirs.StatsValue, own.StatsValue)),
            AggregateFunction.Stats => ScriptValue.Stats(Add(theirs.StatsValue, own.StatsValue)),
            AggregateFunction.Hist => ScriptValue.Histogram(theirs.LogHistogramValue with { Counts = Add(theirs.LogHistogramValue.Counts, own.LogHistogramValue.Counts) }),
            _ => ScriptValue.Histogram(theirs.LinearHistogramValue with { Counts = Add(theirs.LinearHistogramValue.Counts, own.LinearHistogramValue.Counts) }),
        };
    }

    private static bool IsLess(long left, long right, bool isSigned) => isSigned ? left < right : (ulong)left < (ulong)right;

    private static ScriptStats Add(ScriptStats left, ScriptStats right) => new(left.Count + right.Count, unchecked(left.Total + right.Total), left.IsSigned);

    private static ulong[] Add(IReadOnlyList<ulong> left, IReadOnlyList<ulong> right) =>
        [.. Enumerable.Range(0, Math.Max(left.Count, right.Count)).Select(i => (i < left.Count ? left[i] : 0) + (i < right.Count ? right[i] : 0))];
}
