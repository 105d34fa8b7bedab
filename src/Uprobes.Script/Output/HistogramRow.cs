namespace Uprobes.Script.Output;

/// <summary>Where a bucket begins or ends: a value, and how it is written.</summary>
/// <param name="Value">The value.</param>
/// <param name="Written">The number in front of the suffix.</param>
/// <param name="Suffix">K, M, G, T, P or E; zero for none.</param>
internal readonly record struct HistogramEdge(Int128 Value, Int128 Written, char Suffix)
{
    /// <summary>A number without a suffix's scale. Only two such edges that are neighbours make a bucket of a single value.</summary>
    internal bool IsPlain { get; private init; }

    internal static HistogramEdge Plain(Int128 value) => new(value, value, '\0') { IsPlain = true };
}

/// <summary>A bucket as it prints.</summary>
/// <param name="Least">Its least value; null when it has no lower end.</param>
/// <param name="Limit">The least value beyond it; null when it has no upper end.</param>
/// <param name="Count">How many values lie in it.</param>
internal readonly record struct HistogramRow(HistogramEdge? Least, HistogramEdge? Limit, ulong Count)
{
    /// <summary>The bucket holds one value, which is then all of its label.</summary>
    internal bool IsSingle => Least is { IsPlain: true } least && Limit is { IsPlain: true } limit && least.Value + 1 == limit.Value;

    /// <summary>The rows of a histogram, from the first bucket that is not empty to the last one; none when all are.</summary>
    internal static IReadOnlyList<HistogramRow> Of(LogHistogram histogram) =>
        Of(histogram.Counts, histogram.Divisor, index => LogHistogram.Limit(index, histogram.Bits));

    /// <summary>The same for one with buckets of one width, whose counts no divisor changes.</summary>
    internal static IReadOnlyList<HistogramRow> Of(LinearHistogram histogram) => Of(histogram.Counts, 1, histogram.Limit);

    private static HistogramRow[] Of(IReadOnlyList<ulong> counts, ulong divisor, Func<int, HistogramEdge?> limit)
    {
        int first = 0, end = counts.Count;
        while (end > 0 && counts[end - 1] == 0)
            end--;
        while (first < end && counts[first] == 0)
            first++;
        HistogramRow[] rows = new HistogramRow[end - first];
        for (int i = first; i < end; i++)
            rows[i - first] = new HistogramRow(i == 0 ? null : limit(i - 1), limit(i), counts[i] / divisor);
        return rows;
    }
}
