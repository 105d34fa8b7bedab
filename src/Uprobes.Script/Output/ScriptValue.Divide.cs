namespace Uprobes.Script.Output;

/// <content>The divisor of <c>print(@m, top, div)</c>.</content>
public readonly partial struct ScriptValue
{
    private static readonly string[] StatsFields = ["count", "average", "total"];

    /// <summary>
    /// The value that prints for this one: integers and aggregates divided towards zero, of stats only the average, the
    /// elements of tuples, arrays and records each, a histogram's counts. Everything else as it is, linear histograms too.
    /// </summary>
    /// <param name="divisor">The divisor; 0 is taken as 1.</param>
    internal ScriptValue DividedBy(ulong divisor)
    {
        if (divisor <= 1)
            return this;
        return Kind switch
        {
            ScriptValueKind.Integer or ScriptValueKind.Count or ScriptValueKind.Sum or ScriptValueKind.Minimum or ScriptValueKind.Maximum =>
                new ScriptValue(Kind, (long)(Number / divisor), width: _width, traits: _traits),
            ScriptValueKind.Average => IntegerOf(StatsValue.Average / divisor, StatsValue.IsSigned),
            ScriptValueKind.Stats => Record(
                StatsFields,
                [Unsigned(StatsValue.Count), IntegerOf(StatsValue.Average / divisor, StatsValue.IsSigned), IntegerOf(StatsValue.Sum, StatsValue.IsSigned)]),
            ScriptValueKind.Histogram => Histogram(LogHistogramValue with { Divisor = divisor }),
            ScriptValueKind.Array => Array(DivideItems(divisor)),
            ScriptValueKind.Tuple => Tuple(DivideItems(divisor)),
            ScriptValueKind.Record => Record(((ScriptRecord)_object!).Names, DivideItems(divisor)),
            _ => this,
        };
    }

    private static ScriptValue IntegerOf(Int128 value, bool isSigned) => isSigned ? Signed((long)value) : Unsigned((ulong)value);

    private ScriptValue[] DivideItems(ulong divisor)
    {
        ScriptValue[] items = Items.ToArray();
        for (int i = 0; i < items.Length; i++)
            items[i] = items[i].DividedBy(divisor);
        return items;
    }
}
