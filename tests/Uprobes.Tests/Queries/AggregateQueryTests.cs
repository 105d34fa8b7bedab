using Uprobes.Programs.Queries;

namespace Uprobes.Tests.Queries;

/// <summary>What the aggregates of queries are.</summary>
public sealed class AggregateQueryTests
{
    private readonly InterpretedHost _host = new();

    private ProbeQuery<EntryPoint> Entries => new(new QueryDefinition(new QuerySource(_host, QuerySubject.Entry, InterpretedHost.Points), []));

    private ProbeQuery<CallPoint> Calls => new(new QueryDefinition(new QuerySource(_host, QuerySubject.Call, InterpretedHost.Points), []));

    private ProbeQuery<ReturnPoint> Returns => new(new QueryDefinition(new QuerySource(_host, QuerySubject.Return, InterpretedHost.Points), []));

    [Fact]
    public void Hits_that_meet_all_conditions_are_counted_over_threads_and_probes()
    {
        using LiveAggregate<long> count = Entries.Where(p => p.Arg(0) > 10).Where(p => p.Function != "free").Count();
        Assert.Equal(0, count.Value);
        Hits(new Hit(5), new Hit(11), new Hit(12) { ThreadId = 7 }, new Hit(13) { Probe = 1 }, new Hit(14) { Probe = 2 });
        Assert.Equal(3, count.Value);
    }

    [Fact]
    public void What_is_switched_off_counts_nothing_until_it_is_on_again()
    {
        using LiveAggregate<long> count = Entries.Count();
        Assert.True(count.IsEnabled);
        Hits(new Hit(1));
        count.IsEnabled = false;
        Hits(new Hit(2), new Hit(3));
        Assert.False(count.IsEnabled);
        count.IsEnabled = true;
        Hits(new Hit(4));
        Assert.Equal(2, count.Value);
    }

    [Fact]
    public void Sums_means_and_extremes_have_the_sign_of_what_they_are_made_of()
    {
        using LiveAggregate<long> sum = Entries.Sum(p => p.SignedArg(0));
        using LiveAggregate<ulong> unsignedSum = Entries.Sum(p => p.Arg(0));
        using LiveAggregate<double?> mean = Entries.Average(p => p.SignedArg(0));
        using LiveAggregate<long?> least = Entries.Min(p => p.SignedArg(0));
        using LiveAggregate<ulong?> unsignedLeast = Entries.Min(p => p.Arg(0));
        using LiveAggregate<long?> greatest = Entries.Max(p => p.SignedArg(0));
        using LiveAggregate<ulong?> unsignedGreatest = Entries.Max(p => p.Arg(0));
        Assert.Equal((0L, 0ul, null, null, null, null, null),
            (sum.Value, unsignedSum.Value, mean.Value, least.Value, unsignedLeast.Value, greatest.Value, unsignedGreatest.Value));

        Hits(new Hit(ulong.MaxValue - 4) { ThreadId = 7 }, new Hit(2), new Hit(4) { Probe = 1 });
        Assert.Equal((1L, 1ul, 1 / 3.0, -5L, 2ul, 4L, ulong.MaxValue - 4),
            (sum.Value, unsignedSum.Value, mean.Value, least.Value, unsignedLeast.Value, greatest.Value, unsignedGreatest.Value));
    }

    [Fact]
    public void A_histogram_has_a_range_for_each_power_of_two()
    {
        using LiveAggregate<Histogram> sizes = Entries.Histogram(p => p.Arg(0));
        Assert.Empty(sizes.Value.Buckets);
        Assert.Equal("", sizes.Value.ToString());
        Hits(new Hit(1), new Hit(2), new Hit(3), new Hit(9), new Hit(ulong.MaxValue) { Probe = 1 });
        Histogram histogram = sizes.Snapshot();
        Assert.Equal(5, histogram.Total);
        Assert.Equal([new(1, 2, 1), new(2, 4, 2), new(4, 8, 0), new(8, 16, 1)], histogram.Buckets.Take(4));
        Assert.Equal(new HistogramBucket((Int128)1 << 63, (Int128)1 << 64, 1), histogram.Buckets[^1]);
    }

    [Fact]
    public void A_histogram_of_steps_has_a_range_below_and_one_beyond()
    {
        using LiveAggregate<Histogram> sizes = Entries.LinearHistogram(p => (int)p.Arg(0), -10, 10, 5);
        Hits(new Hit(ulong.MaxValue - 99), new Hit(ulong.MaxValue), new Hit(0), new Hit(9), new Hit(10));
        Assert.Equal(
            [new(long.MinValue, -10, 1), new(-10, -5, 0), new(-5, 0, 1), new(0, 5, 1), new(5, 10, 1), new(10, (Int128)1 << 63, 1)], sizes.Value.Buckets);
    }

    [Fact]
    public void Impossible_steps_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Entries.LinearHistogram(p => p.Arg(0), 0, 10, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Entries.LinearHistogram(p => p.Arg(0), 0, 10, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => Entries.LinearHistogram(p => p.Arg(0), 10, 10, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Entries.LinearHistogram(p => p.Arg(0), -10, 10, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Entries.LinearHistogram(p => p.Arg(0), 0, 1001, 1));
        Assert.Empty(_host.Runs);
    }

    [Fact]
    public void A_histogram_is_written_a_line_for_a_range()
    {
        Histogram histogram = new([new(1, 2, 2), new(512, 1024, 0), new(1024, 2048, 1)]);
        Assert.Equal(
            "[1]                           2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n" +
            "[512, 1K)                     0 |                                                    |\n" +
            "[1K, 2K)                      1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n", histogram.ToString());
    }

    [Fact]
    public void Groups_have_a_value_for_each_key_that_was_hit()
    {
        using var counts = Entries.GroupBy(p => new { p.ThreadId, Large = p.Arg(0) > 100 }).Count();
        using var sums = Entries.GroupBy(p => ValueTuple.Create(p.Function, p.ThreadId)).Sum(p => p.Arg(0));
        Hits(new Hit(5), new Hit(500) { Probe = 1 }, new Hit(600) { Probe = 1 }, new Hit(7) { ThreadId = 7 });
        Assert.Equal(
            new() { [new { ThreadId = 100, Large = false }] = 1, [new { ThreadId = 100, Large = true }] = 2, [new { ThreadId = 7, Large = false }] = 1 },
            counts.Value.ToDictionary());
        Assert.Equal(
            new() { [("malloc", 100)] = 5, [("free", 100)] = 1100, [("malloc", 7)] = 7 }, sums.Value.ToDictionary());
    }

    [Fact]
    public void Groups_by_function_leave_out_functions_without_hits_but_not_those_with_a_sum_of_0()
    {
        using var sums = Entries.GroupBy(p => p.Function).Sum(p => p.SignedArg(0));
        using var counts = Entries.GroupBy(p => p.Function).Count();
        using var means = Entries.GroupBy(p => p.Function).Average(p => p.Arg(0));
        using var distributions = Entries.GroupBy(p => p.Function).Histogram(p => p.Arg(0));
        Hits(new Hit(5), new Hit(6), new Hit(0) { Probe = 2 });
        Assert.Equal(new() { ["malloc"] = 11, ["calloc"] = 0 }, sums.Value.ToDictionary());
        Assert.Equal(new() { ["malloc"] = 2, ["calloc"] = 1 }, counts.Value.ToDictionary());
        Assert.Equal(new() { ["malloc"] = 5.5, ["calloc"] = 0 }, means.Value.ToDictionary());
        Assert.Equal(2, distributions.Value["malloc"].Total);
        Assert.Equal([new(0, 1, 1)], distributions.Value["calloc"].Buckets);
    }

    [Fact]
    public void A_key_that_is_text_is_a_string()
    {
        using var counts = Entries.GroupBy(p => p.ReadString(p.Arg(0), 8)).Count();
        Hits(new Hit(1), new Hit(2));
        Assert.Equal(new() { [""] = 2 }, counts.Value.ToDictionary());
    }

    [Fact]
    public void Least_and_greatest_of_groups_are_numbers()
    {
        using var least = Entries.GroupBy(p => p.ThreadId).Min(p => p.Arg(0));
        using var greatest = Entries.GroupBy(p => p.ThreadId, capacity: 3).Max(p => p.SignedArg(0));
        Hits(new Hit(5), new Hit(3), new Hit(8) { ThreadId = 7 });
        Assert.Equal(new() { [100] = 3, [7] = 8 }, least.Value.ToDictionary());
        Assert.Equal(new() { [100] = 5, [7] = 8 }, greatest.Value.ToDictionary());
    }

    [Fact]
    public void Calls_have_the_arguments_of_their_entry_and_their_duration()
    {
        using LiveAggregate<long> slow = Calls.Where(c => c.Arg(0) > 10 && c.DurationNanoseconds >= 100).Count();
        using LiveAggregate<ulong> bytes = Calls.Where(c => c.ReturnValue != 0).Sum(c => c.Arg(0) + c.Arg(1));
        using LiveAggregate<long?> failed = Returns.Where(r => (int)r.ReturnValue < 0).Max(r => r.DurationNanoseconds);
        Hits(new Hit(5) { Duration = 200 }, new Hit(11) { Duration = 99, Result = 1, Other = 1000 }, new Hit(12) { Duration = 100, Result = uint.MaxValue });
        Assert.Equal(1, slow.Value);
        Assert.Equal(1023ul, bytes.Value);
        Assert.Equal(100, failed.Value);
    }

    [Fact]
    public void A_query_that_stands_nowhere_is_an_error()
    {
        InterpretedHost host = new() { Refused = [.. InterpretedHost.Points] };
        ProbeQuery<EntryPoint> query = new(new QueryDefinition(new QuerySource(host, QuerySubject.Entry, InterpretedHost.Points), []));
        Assert.Equal("libc:malloc", Assert.Throws<ProbeRefusedException>(query.Count).Refusal.Point);
        Assert.True(host.Last.IsDisposed);
    }

    [Fact]
    public void Refusals_and_losses_of_what_stands_are_told()
    {
        InterpretedHost host = new() { Refused = [InterpretedHost.Points[1]] };
        using LiveAggregate<long> count = new ProbeQuery<EntryPoint>(new QueryDefinition(new QuerySource(host, QuerySubject.Entry, InterpretedHost.Points), [])).Count();
        Assert.Single(count.Refusals);
        host.Last.Losses = new QueryLosses(Events: 1, Keys: 2, Threads: 3, Returns: 4, FailedReads: 100, Other: 5);
        Assert.Equal(15, count.Losses.Missing);
    }

    [Fact]
    public void A_disposed_aggregate_takes_its_probes_out()
    {
        LiveAggregate<long> count = Entries.Count();
        count.Dispose();
        count.Dispose();
        Assert.True(_host.Last.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => count.Value);
    }

    private void Hits(params Hit[] hits)
    {
        foreach (InterpretedRun run in _host.Runs)
        {
            foreach (Hit hit in hits)
                run.Hit(hit);
        }
    }
}
