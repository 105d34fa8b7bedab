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
    private const int BarWidth = 40, ColumnWidth = 8, CountWidth = 11;
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
            output.WriteText(value is DistributionValue.Durations ? "no call returned\n" : "no calls\n");
            return;
        }
        var severalImages = distributions.Select(d => d.Probe.ImagePath).Distinct().Skip(1).Any();
        string NameOf(Distribution d) => Escaping.Text(severalImages ? $"{Path.GetFileName(d.Probe.ImagePath)}:{d.Probe.Function}" : d.Probe.Function);
        if (distributions.Count > 1 || top == 0)
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
        List<string[]> rows = [["CALLS", isTime ? "TOTAL" : "LEAST", "AVERAGE", "50% <=", "99% <=", isTime ? "LONGEST" : "GREATEST", "FUNCTION"]];
        foreach (var one in distributions)
        {
            rows.Add([
                one.Count.ToString(CultureInfo.InvariantCulture),
                value.Text(isTime ? one.Statistics.Sum : one.Statistics.Minimum),
                value.Mean(one.Statistics.Average),
                value.Text(one.AtMost(Half)),
                value.Text(one.AtMost(Most)),
                value.Text(one.Statistics.Maximum),
                nameOf(one),
            ]);
        }
        var last = rows[0].Length - 1;
        int[] widths = [.. Enumerable.Range(0, last).Select(column => rows.Max(row => Math.Max(row[column].Length, column == 0 ? CountWidth : ColumnWidth)))];
        foreach (var (index, row) in rows.Index())
        {
            var line = string.Join("  ", widths.Select((width, column) => row[column].PadLeft(width)).Append(row[last]));
            output.WriteText(index == 0 ? $"{style.Time}{line}{style.Reset}\n" : $"{line}\n");
        }
    }

    private void WriteOne(Distribution one, string name)
    {
        var s = one.Statistics;
        output.WriteText($"{style.Function}{name}{style.Reset}: ");
        output.WriteText(value is DistributionValue.Of { Expression: var expression }
            ? $"{Amount.Of(one.Count, "value")} of {Escaping.Text(expression)}, {value.Text(s.Minimum)} to {value.Text(s.Maximum)}, average {value.Mean(s.Average)}, sum {value.Text(s.Sum)}\n"
            : $"{Amount.Of(one.Count, "call")} in {value.Text(s.Sum)}, {value.Text(s.Minimum)} to {value.Text(s.Maximum)}, average {value.Mean(s.Average)}\n");
        var buckets = WithoutGaps(one.Values.Buckets);
        var most = buckets.Max(b => b.Count);
        var ranges = buckets.Select(Range).ToList();
        var width = ranges.Max(r => r.Length);
        foreach (var (bucket, range) in buckets.Zip(ranges))
        {
            var bar = new string('@', (int)(bucket.Count * (double)BarWidth / most));
            output.WriteText(string.Create(CultureInfo.InvariantCulture,
                $"  {range.PadRight(width)} {bucket.Count,10} |{style.Result}{bar}{style.Reset}{new string(' ', BarWidth - bar.Length)}|\n"));
        }
    }

    /// <summary>Ranges without values that lie side by side become one.</summary>
    private static List<HistogramBucket> WithoutGaps(IReadOnlyList<HistogramBucket> buckets)
    {
        var shown = new List<HistogramBucket>();
        foreach (var bucket in buckets)
        {
            if (bucket.Count == 0 && shown.Count > 0 && shown[^1].Count == 0)
                shown[^1] = shown[^1] with { Limit = bucket.Limit };
            else
                shown.Add(bucket);
        }
        return shown;
    }

    private string Range(HistogramBucket bucket) =>
        IsOpenBelow(bucket) ? $"(..., {value.Text(bucket.Limit)})"
        : IsOpenAbove(bucket) ? $"[{value.Text(bucket.Least)}, ...)"
        : bucket.Limit - bucket.Least == 1 ? $"[{value.Text(bucket.Least)}]"
        : $"[{value.Text(bucket.Least)}, {value.Text(bucket.Limit)})";
}
