using Uprobes.LiveTests.Kit;
using Uprobes.Programs;

namespace Uprobes.LiveTests.Queries;

/// <summary>Queries on a program whose calls are known.</summary>
public sealed class QueryTests
{
    private static readonly string[] Names = ["Ada", "Grace", "a\tb\u001b[31m", ""];

    private readonly string _image = Targets.Path("calls-pie");

    [Fact]
    public void Aggregates_are_what_the_program_did_and_it_does_not_notice()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        string expected = target.Ask("go 20");
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            using LiveAggregate<long> count = session.Entry(_image, "work").Where(p => p.Arg(0) >= 5).Count();
            using LiveAggregate<long> sum = session.Entry(_image, "work").Sum(p => (int)p.Arg(0));
            using LiveAggregate<double?> mean = session.Entry(_image, "work").Average(p => p.SignedArg(0));
            using LiveAggregate<ulong?> most = session.Entry(_image, "work").Max(p => p.Arg(0));
            using LiveAggregate<Histogram> histogram = session.Entry(_image, "work").Histogram(p => p.Arg(0));
            using LiveAggregate<long> seventh = session.Entry(_image, "sum7").Where(p => p.Arg(6) == 7 && p.Arg(5) == 6).Count();
            Assert.Equal(0, count.Value);
            Assert.Null(mean.Value);
            Assert.Equal(expected, target.Ask("go 20"));
            Assert.Equal((15L, 190L, 9.5, 19ul, 20L), (count.Value, sum.Value, mean.Value, most.Value, seventh.Value));
            Assert.Equal([1L, 1, 2, 4, 8, 4], histogram.Value.Buckets.Select(b => b.Count));
            Assert.Equal(default, count.Losses);
            Assert.Empty(count.Refusals);
        }

        TextComparison.AssertSame(target.Pid);
        Assert.Equal(expected, target.Ask("go 20"));
    }

    [Fact]
    public void Functions_of_a_pattern_are_grouped_by_their_names()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using var calls = session.Entry(_image, "sum[67]").GroupBy(p => p.Function).Count();
        using var sums = session.Entry(_image, "sum?").GroupBy(p => new { p.Function, p.ProcessId, Odd = (p.Arg(0) & 1) != 0 }).Sum(p => p.Arg(0));
        target.Ask("go 4");
        Assert.Equal(new() { ["sum6"] = 8, ["sum7"] = 4 }, calls.Value.ToDictionary());
        Assert.Equal(
            new()
            {
                [new { Function = "sum6", ProcessId = target.Pid, Odd = false }] = 4, [new { Function = "sum6", ProcessId = target.Pid, Odd = true }] = 8,
                [new { Function = "sum7", ProcessId = target.Pid, Odd = false }] = 2, [new { Function = "sum7", ProcessId = target.Pid, Odd = true }] = 4,
            },
            sums.Value.ToDictionary());
    }

    [Fact]
    public void Strings_are_compared_grouped_by_and_selected()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using LiveAggregate<long> grace = session.Entry(_image, "greet").Where(p => p.ReadString(p.Arg(0)) == "Grace").Count();
        using var names = session.Entry(_image, "greet").GroupBy(p => p.ReadString(p.Arg(0), 16)).Count();
        target.Ask("greet 9");
        Assert.Equal(2, grace.Value);
        Assert.Equal(new() { [Names[0]] = 3, [Names[1]] = 2, [Names[2]] = 2, [Names[3]] = 2 }, names.Value.ToDictionary());
    }

    [Fact]
    public void Structures_are_read_field_by_field_and_what_is_not_there_is_counted()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using LiveAggregate<long> areas = session.Entry(_image, "area").Sum(p => p.Read<int>(p.Arg(0)) * p.Read<int>(p.Arg(0) + 4));
        using LiveAggregate<long> nothing = session.Entry(_image, "area").Sum(p => p.Read<int>(5) + 1);
        target.Ask("area 5");
        Assert.Equal(70, areas.Value);
        Assert.Equal(5, nothing.Value);
        Assert.Equal(5, nothing.Losses.FailedReads);
        Assert.Equal(0, nothing.Losses.Missing);
    }

    [Fact]
    public async Task Events_come_with_time_thread_and_text()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using var events = session.Entry(_image, "greet").Select(p => new { p.Timestamp, p.ThreadId, p.Function, Name = p.ReadString(p.Arg(0)) }).Take(4).Start();
        target.Ask("greet 9");
        var seen = await events.ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Names, seen.Select(e => e.Name));
        Assert.All(seen, e => Assert.Equal((target.Pid, "greet"), (e.ThreadId, e.Function)));
        Assert.Equal(seen.Select(e => e.Timestamp).Order(), seen.Select(e => e.Timestamp));
    }

    [Fact]
    public async Task A_loop_over_events_ends_with_the_process()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        await using IAsyncEnumerator<ulong> loop = session.Entry(_image, "work").Select(p => p.Arg(0)).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        ValueTask<bool> next = loop.MoveNextAsync(); // Probes.
        target.Ask("work 3");
        List<ulong> seen = [];
        while (await next)
        {
            seen.Add(loop.Current);
            if (seen.Count == 3)
                target.CloseInput();
            next = loop.MoveNextAsync();
        }

        Assert.Equal([0ul, 1, 2], seen);
    }

    [Fact]
    public async Task Calls_have_arguments_results_and_durations_that_contain_each_other()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using var events = session.Calls(_image, "fact").Where(c => c.Arg(0) > 2)
            .Select(c => new { c.Timestamp, c.DurationNanoseconds, N = (int)c.Arg(0), Result = c.ReturnValue }).Take(8).Start();
        using LiveAggregate<long> negative = session.Return(_image, "fact").Where(r => r.DurationNanoseconds <= 0 || r.SignedReturnValue <= 0).Count();
        target.Ask("fact 1");
        var seen = await events.ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(3, 8), seen.Select(e => e.N));
        Assert.Equal([6ul, 24, 120, 720, 5040, 40320, 362880, 3628800], seen.Select(e => e.Result));
        for (int i = 1; i < seen.Count; i++)
        {
            Assert.InRange(seen[i].DurationNanoseconds, seen[i - 1].DurationNanoseconds, long.MaxValue);
            Assert.InRange(seen[i].Timestamp, 1, seen[i - 1].Timestamp);
        }

        Assert.Equal(0, negative.Value);
    }

    [Fact]
    public void Threads_and_children_are_counted_together_and_apart()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using var counts = session.Entry(Targets.Path("threads"), "work").GroupBy(p => p.ThreadId).Count();
        Assert.Equal("400", target.Ask("go 4 100", TimeSpan.FromSeconds(60)));
        Assert.Equal([100L, 100, 100, 100], counts.Value.Values);
    }

    [Fact]
    public void An_instruction_has_registers()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        ProbePoint point = ProbePoint.At(_image, "work");
        using LiveAggregate<ulong> sum = session.Instruction(point).Sum(p => p.Register("rdi"));
        using LiveAggregate<long> named = session.Instruction(point).Where(p => p.Function == "work" && p.Address % 4096 != 1 && p.Timestamp > 0).Count();
        target.Ask("work 5");
        Assert.Equal((10ul, 5L), (sum.Value, named.Value));
    }

    [Fact]
    public void An_aggregate_keeps_its_last_state_when_the_session_has_ended()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        LiveAggregate<long> count;
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            count = session.Entry(_image, "work").Count();
            target.Ask("work 5");
        }

        target.Ask("work 5");
        Assert.Equal(5, count.Value);
        count.Dispose();
        Assert.Throws<ObjectDisposedException>(() => count.Value);
    }

    [Fact]
    public void Disposing_one_aggregate_leaves_the_others()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        LiveAggregate<long> first = session.Entry(_image, "work").Count();
        using LiveAggregate<long> second = session.Entry(_image, "work").Count();
        target.Ask("work 5");
        first.Dispose();
        target.Ask("work 5");
        Assert.Equal(10, second.Value);
    }

    [Fact]
    public void Functions_that_there_are_not_are_refused()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Assert.Throws<ProbeRefusedException>(() => session.Entry(_image, "no_such_function"));
        Assert.Throws<ProbeRefusedException>(() => session.Entry(_image, "no_such_*"));
        Assert.Throws<ProbeRefusedException>(() => session.Entry("/no/such/file", "work"));
        Assert.Throws<ArgumentException>(() => session.Entry());
        Assert.Contains("indirect", Assert.Throws<ProbeRefusedException>(() => session.Entry("libc", "strlen")).Message, StringComparison.Ordinal);
        Assert.Throws<ProbeRefusedException>(() => session.Entry(ProbePoint.At(_image, "no_such_function")).Count());
        Assert.Throws<ProbeRefusedException>(() => session.Return(ProbePoint.At(_image, "work", 1)).Count());
        Assert.Throws<QueryTranslationException>(() => session.Entry(_image, "work").Where(p => Math.Abs(p.SignedArg(0)) > 1).Count());
    }

    [Fact]
    public void A_pattern_that_matches_resolvers_says_which()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using LiveAggregate<long> count = session.Entry("libc", "strl*").Count();
        Assert.Contains(count.Refusals, r => r.Point.EndsWith(":strlen", StringComparison.Ordinal) && r.Detail.Contains("indirect", StringComparison.Ordinal));
    }
}
