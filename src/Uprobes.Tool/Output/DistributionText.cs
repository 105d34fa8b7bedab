using System.Buffers;
using System.Globalization;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Output;

/// <summary>
/// Distributions for people: where several functions were called a table of all of them, then of the first ones a line that sums up and a bar
/// for each range of values.
/// </summary>
internal sealed class DistributionText(ArrayBufferWriter<byte> output, DistributionValue value, TextStyle style)
{
    private const int BarWidth = 40, ColumnWidth = 9, CountWidth = 11;
    private const double Half = 0.5, Most = 0.99;

    /// <summary>Whether a bucket has all values that are small enough.</summary>
    public static bool IsOpenBelow(HistogramBucket bucket) => bucket.Least <= long.MinValue;

    /// <summary>Whether a bucket has all values that are large enough.</summary>
    public static bool IsOpenAbove(HistogramBucket bucket) => bucket.Limit > long.MaxValue;

    /// <summary>Writes them.</summary>
    /// <param name="distributions">In their order.</param>
    /// <param name="top">Of how many the ranges are shown.</param>
    public void Write(IReadOnlyList<Distribution> distributions, int top)
    {
        if (distributions.Count == 0)
        {
            output.WriteText("no calls\n");
            return;
        }
        var severalImages = distributions.Select(d => d.Probe.ImagePath).Distinct().Skip(1).Any();
        string NameOf(Distribution d) => Escaping.Text(severalImages ? $"{Path.GetFileName(d.Probe.ImagePath)}:{d.Probe.Function}" : d.Probe.Function);
        if (distributions.Count > 1)
            WriteTable(distributions, NameOf);
        foreach (var (index, distribution) in distributions.Take(top).Index())
        {
            if (index > 0 || distributions.Count > 1)
                output.WriteText("\n");
            WriteOne(distribution, NameOf(distribution));
        }
    }

    private void WriteTable(IReadOnlyList<Distribution> distributions, Func<Distribution, string> nameOf)
    {
        var isTime = value is DistributionValue.Durations;
        WriteRow(["CALLS", isTime ? "TOTAL" : "LEAST", "AVERAGE", "50% <=", "99% <=", isTime ? "LONGEST" : "GREATEST"], "FUNCTION", style.Time);
        foreach (var one in distributions)
        {
            WriteRow([
                one.Count.ToString(CultureInfo.InvariantCulture),
                value.Text(isTime ? one.Statistics.Sum : one.Statistics.Minimum),
                value.Mean(one.Statistics.Average),
                value.Text(one.AtMost(Half)),
                value.Text(one.AtMost(Most)),
                value.Text(one.Statistics.Maximum),
            ], nameOf(one), "");
        }
    }

    private void WriteRow(string[] cells, string name, string color)
    {
        output.WriteText(color);
        foreach (var (column, cell) in cells.Index())
            output.WriteText(cell.PadLeft(column == 0 ? CountWidth : ColumnWidth + 1));
        output.WriteText($"  {name}");
        if (color.Length > 0)
            output.WriteText(style.Reset);
        output.WriteText("\n");
    }

    private void WriteOne(Distribution one, string name)
    {
        var s = one.Statistics;
        output.WriteText($"{style.Function}{name}{style.Reset}: ");
        output.WriteText(value is DistributionValue.Of { Expression: var expression }
            ? $"{Amount.Of(one.Count, "value")} of {Escaping.Text(expression)}, {value.Text(s.Minimum)} to {value.Text(s.Maximum)}, average {value.Mean(s.Average)}, sum {value.Text(s.Sum)}\n"
            : $"{Amount.Of(one.Count, "call")} in {value.Text(s.Sum)}, {value.Text(s.Minimum)} to {value.Text(s.Maximum)}, average {value.Mean(s.Average)}\n");
        var most = one.Values.Buckets.Max(b => b.Count);
        var ranges = one.Values.Buckets.Select(Range).ToList();
        var width = ranges.Max(r => r.Length);
        foreach (var (bucket, range) in one.Values.Buckets.Zip(ranges))
        {
            var bar = new string('@', (int)(bucket.Count * (double)BarWidth / most));
            output.WriteText(string.Create(CultureInfo.InvariantCulture,
                $"  {range.PadRight(width)} {bucket.Count,10} |{style.Result}{bar}{style.Reset}{new string(' ', BarWidth - bar.Length)}|\n"));
        }
    }

    private string Range(HistogramBucket bucket) =>
        IsOpenBelow(bucket) ? $"(..., {value.Text(bucket.Limit)})"
        : IsOpenAbove(bucket) ? $"[{value.Text(bucket.Least)}, ...)"
        : bucket.Limit - bucket.Least == 1 ? $"[{value.Text(bucket.Least)}]"
        : $"[{value.Text(bucket.Least)}, {value.Text(bucket.Limit)})";
}
