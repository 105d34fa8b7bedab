using Uprobes.Channels;
using Uprobes.Tool.Probing;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.Output;

/// <summary>The distribution of one function's values.</summary>
/// <param name="Probe">The probe.</param>
/// <param name="Engine">By which engine it is armed.</param>
/// <param name="Values">The buckets.</param>
/// <param name="Statistics">Sum, least and greatest. Read a moment after the buckets: while calls go on it may have seen more.</param>
internal sealed record Distribution(PlannedProbe Probe, string Engine, Histogram Values, AggregateValue Statistics)
{
    /// <summary>How many values there were.</summary>
    public long Count => Values.Total;

    /// <summary>The distributions of the functions that were called.</summary>
    /// <param name="armed">The probes and what they found.</param>
    /// <param name="order">What the one is sorted by that comes first because it is greatest; then by name.</param>
    public static IReadOnlyList<Distribution> Read(IArmedPrograms armed, Func<Distribution, Int128> order)
    {
        var buckets = armed.Snapshot(AggregateQueries.Main);
        var statistics = armed.Snapshot(AggregateQueries.Statistics);
        var found = new List<Distribution>();
        foreach (var probe in armed.Armed)
        {
            if (buckets.OfProbe(probe.Index) is { } values && statistics.OfProbe(probe.Index) is { } sums)
                found.Add(new Distribution(probe.Probe, armed.EngineOf(probe), AggregateReading.Histogram([values]), sums));
        }
        return [.. found.OrderByDescending(order).ThenBy(d => d.Probe.Function, StringComparer.Ordinal)];
    }

    /// <summary>What a share of the values is at most, as far as the buckets tell.</summary>
    /// <param name="share">From 0 to 1.</param>
    public Int128 AtMost(double share)
    {
        var wanted = Math.Max(1, (long)Math.Ceiling(share * Count));
        long seen = 0;
        foreach (var bucket in Values.Buckets)
        {
            seen += bucket.Count;
            if (seen >= wanted)
                return Int128.Max(Int128.Min(bucket.Limit - 1, Statistics.Maximum), Statistics.Minimum);
        }
        return Statistics.Maximum;
    }
}
