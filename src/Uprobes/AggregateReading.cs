using Uprobes.Channels;

namespace Uprobes;

/// <summary>Results of aggregates, out of the values that several probes and processes have kept.</summary>
internal static class AggregateReading
{
    internal static long Count(IReadOnlyList<AggregateValue> values) => (long)values.Aggregate(0ul, (total, value) => unchecked(total + value.Count));

    internal static long SignedSum(IReadOnlyList<AggregateValue> values) => unchecked((long)Sum(values));

    internal static ulong UnsignedSum(IReadOnlyList<AggregateValue> values) => unchecked((ulong)Sum(values));

    /// <summary>Not a number where there was no value.</summary>
    internal static double Average(IReadOnlyList<AggregateValue> values) => (double)Sum(values) / (ulong)Count(values);

    internal static long SignedLeast(IReadOnlyList<AggregateValue> values) => (long)Least(values);

    internal static ulong UnsignedLeast(IReadOnlyList<AggregateValue> values) => (ulong)Least(values);

    internal static long SignedGreatest(IReadOnlyList<AggregateValue> values) => (long)Greatest(values);

    internal static ulong UnsignedGreatest(IReadOnlyList<AggregateValue> values) => (ulong)Greatest(values);

    /// <summary>A reading of what may have had no value yet.</summary>
    internal static Func<IReadOnlyList<AggregateValue>, T?> OrNull<T>(Func<IReadOnlyList<AggregateValue>, T> read)
        where T : struct => values => values.Any(v => v.Count > 0) ? read(values) : null;

    internal static Histogram Histogram(IReadOnlyList<AggregateValue> values)
    {
        List<HistogramBucket> buckets = [];
        int trailing = 0;
        int count = values.Count == 0 ? 0 : values[0].Buckets.Length;
        for (int i = 0; i < count; i++)
        {
            ulong hits = values.Aggregate(0ul, (total, value) => unchecked(total + value.Buckets[i]));
            if (hits == 0 && buckets.Count == 0)
                continue;
            (Int128 least, Int128 limit) = values[0].BoundsOf(i);
            buckets.Add(new HistogramBucket(least, limit, (long)hits));
            trailing = hits == 0 ? trailing + 1 : 0;
        }

        buckets.RemoveRange(buckets.Count - trailing, trailing);
        return new Histogram(buckets);
    }

    private static Int128 Least(IReadOnlyList<AggregateValue> values) => values.Where(v => v.Count > 0).Min(v => v.Minimum);

    private static Int128 Greatest(IReadOnlyList<AggregateValue> values) => values.Where(v => v.Count > 0).Max(v => v.Maximum);

    private static Int128 Sum(IReadOnlyList<AggregateValue> values) => values.Aggregate(Int128.Zero, (total, value) => total + value.Sum);
}
