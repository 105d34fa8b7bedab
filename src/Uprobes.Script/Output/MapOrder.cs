namespace Uprobes.Script.Output;

/// <summary>The order in which a map prints, and what <c>print(@m, top, div)</c> leaves of it.</summary>
internal static class MapOrder
{
    /// <summary>
    /// The entries in order: integers, counts, sums, least and largest values upward, averages by average, histograms by the
    /// sum of their counts, time series by their last interval, everything else by key. Equal ones by key, so that the order
    /// never depends on a hash.
    /// </summary>
    /// <param name="map">The map.</param>
    /// <param name="top">Only so many of the last entries; all when 0.</param>
    internal static IReadOnlyList<ScriptMapEntry> Of(ScriptMap map, int top)
    {
        (Int128 Rank, ScriptMapEntry Entry)[] ranked = new (Int128, ScriptMapEntry)[map.Entries.Count];
        for (int i = 0; i < ranked.Length; i++)
            ranked[i] = (Rank(map.Entries[i].Value), map.Entries[i]);
        Array.Sort(ranked, static (a, b) => a.Rank.CompareTo(b.Rank) is not 0 and int order ? order : a.Entry.Key.CompareTo(b.Entry.Key));
        int skipped = top > 0 && top < ranked.Length ? ranked.Length - top : 0;
        ScriptMapEntry[] entries = new ScriptMapEntry[ranked.Length - skipped];
        for (int i = 0; i < entries.Length; i++)
            entries[i] = ranked[skipped + i].Entry;
        return entries;
    }

    private static Int128 Rank(in ScriptValue value) => value.Kind switch
    {
        ScriptValueKind.Integer or ScriptValueKind.Count or ScriptValueKind.Sum or ScriptValueKind.Minimum or ScriptValueKind.Maximum => value.Number,
        ScriptValueKind.Average or ScriptValueKind.Stats => value.StatsValue.Average,
        ScriptValueKind.Histogram => Sum(value.LogHistogramValue.Counts),
        ScriptValueKind.LinearHistogram => Sum(value.LinearHistogramValue.Counts),
        ScriptValueKind.TimeSeries when value.SeriesValue.Points is [.., { UnixNanoseconds: long last }] => last,
        _ => 0,
    };

    private static Int128 Sum(IReadOnlyList<ulong> counts)
    {
        Int128 sum = 0;
        foreach (ulong count in counts)
            sum += count;
        return sum;
    }
}
