using Uprobes.Channels;
using Uprobes.Tool.Probing;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.Output;

/// <summary>What a function did since the last look, and what it did in all.</summary>
/// <param name="Probe">The function.</param>
/// <param name="Engine">By which engine it is armed.</param>
/// <param name="Calls">Calls that returned since the last look.</param>
/// <param name="Nanoseconds">The time of these.</param>
/// <param name="MostlyAtMost">What 99 of 100 of these took at most, as far as powers of two tell.</param>
/// <param name="TotalCalls">Calls that returned since the start.</param>
/// <param name="TotalNanoseconds">The time of all.</param>
internal sealed record TopRow(PlannedProbe Probe, string Engine, long Calls, Int128 Nanoseconds, Int128 MostlyAtMost, long TotalCalls, Int128 TotalNanoseconds)
{
    /// <summary>The mean of the calls since the last look, in nanoseconds; 0 without any.</summary>
    public double Average => Calls == 0 ? 0 : (double)Nanoseconds / Calls;
}

/// <summary>Looks at what functions have done again and again, and says what is new. Used by one thread.</summary>
internal sealed class TopMeter
{
    private const double Most = 0.99;
    private readonly Dictionary<int, (ulong[] Buckets, Int128 Sum)> _former = [];

    /// <summary>The functions that were called since the start.</summary>
    /// <param name="armed">The probes, with the maps of <see cref="AggregateQueries.Latency"/>.</param>
    public IReadOnlyList<TopRow> Look(IArmedPrograms armed)
    {
        var buckets = armed.Snapshot(AggregateQueries.Main);
        var statistics = armed.Snapshot(AggregateQueries.Statistics);
        var rows = new List<TopRow>();
        foreach (var probe in armed.Armed)
        {
            if (buckets.OfProbe(probe.Index) is { } values && statistics.OfProbe(probe.Index) is { } sums)
                rows.Add(Row(probe, armed.EngineOf(probe), values, sums));
        }
        return rows;
    }

    private TopRow Row(ArmedProbe probe, string engine, AggregateValue values, AggregateValue sums)
    {
        var now = values.Buckets.ToArray();
        var former = _former.TryGetValue(probe.Index, out var known) ? known : (Buckets: new ulong[now.Length], Sum: Int128.Zero);
        _former[probe.Index] = (now, sums.Sum);
        // What a target has written may also become less.
        long[] recent = [.. now.Zip(former.Buckets, static (later, earlier) => later > earlier ? (long)(later - earlier) : 0)];
        return new TopRow(probe.Probe, engine, recent.Sum(), Int128.Max(0, sums.Sum - former.Sum), AtMost(recent, values, sums.Maximum), (long)values.Count, sums.Sum);
    }

    private static Int128 AtMost(long[] buckets, AggregateValue values, Int128 greatest)
    {
        var wanted = (long)Math.Ceiling(Most * buckets.Sum());
        long seen = 0;
        for (var i = 0; i < buckets.Length && wanted > 0; i++)
        {
            seen += buckets[i];
            if (seen >= wanted)
                return Int128.Min(values.BoundsOf(i).Limit - 1, greatest);
        }
        return 0;
    }
}
