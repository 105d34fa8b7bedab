using System.Globalization;
using System.Text;

namespace Uprobes;

/// <summary>A distribution of values at a moment. Immutable.</summary>
public sealed class Histogram
{
    private const int BarWidth = 52;

    internal Histogram(IReadOnlyList<HistogramBucket> buckets)
    {
        Buckets = buckets;
        Total = buckets.Sum(b => b.Count);
    }

    /// <summary>
    /// The ranges in ascending order, from the first to the last one that has values; ranges without values between them are there. Empty
    /// where there was no value at all.
    /// </summary>
    public IReadOnlyList<HistogramBucket> Buckets { get; }

    /// <summary>How many values there were.</summary>
    public long Total { get; }

    /// <summary>A line for each range: its values, how many, and a bar; every line ends in a line feed. Multiples of 1,024 are written with K, M, G, T, P and E.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        long most = Buckets.Count == 0 ? 0 : Buckets.Max(b => b.Count);
        foreach (HistogramBucket bucket in Buckets)
        {
            string range = bucket.Limit - bucket.Least == 1 ? $"[{Short(bucket.Least)}]" : $"[{Short(bucket.Least)}, {Short(bucket.Limit)})";
            string bar = new('@', (int)(bucket.Count * (double)BarWidth / most));
            text.Append(CultureInfo.InvariantCulture, $"{range,-20} {bucket.Count,10} |{bar,-BarWidth}|\n");
        }

        return text.ToString();
    }

    private static string Short(Int128 value)
    {
        const string Units = "KMGTPE";
        int unit = -1;
        while (unit < Units.Length - 1 && value != 0 && value % 1024 == 0)
            (value, unit) = (value / 1024, unit + 1);
        return value.ToString(CultureInfo.InvariantCulture) + (unit < 0 ? "" : Units[unit]);
    }
}
