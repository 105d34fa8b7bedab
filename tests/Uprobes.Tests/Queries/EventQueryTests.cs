using Uprobes.Programs.Queries;

namespace Uprobes.Tests.Queries;

/// <summary>How queries give events.</summary>
public sealed class EventQueryTests
{
    private readonly InterpretedHost _host = new();

    private ProbeQuery<EntryPoint> Entries => new(new QueryDefinition(new QuerySource(_host, QuerySubject.Entry, InterpretedHost.Points), []));

    [Fact]
    public async Task Events_come_in_order_until_the_session_ends()
    {
        EventQuery<(int, ulong)> query = Entries.Where(p => p.Arg(0) > 1).Select(p => ValueTuple.Create(p.ThreadId, p.Arg(0)));
        Assert.Empty(_host.Runs);
        using LiveEvents<(int, ulong)> stream = query.Start();
        Hits(new Hit(1), new Hit(2), new Hit(3) { ThreadId = 7 });
        _host.Last.End();
        Assert.Equal([(100, 2ul), (7, 3ul)], await stream.ToListAsync());
    }

    [Fact]
    public async Task Enumerating_probes_and_breaking_off_takes_the_probes_out()
    {
        List<ulong> sizes = [];
        IAsyncEnumerator<ulong> events = Entries.Select(p => p.Arg(0)).GetAsyncEnumerator();
        await using (events)
        {
            ValueTask<bool> first = events.MoveNextAsync();
            Hits(new Hit(4), new Hit(5));
            Assert.True(await first);
            sizes.Add(events.Current);
            Assert.False(_host.Last.IsDisposed);
        }

        Assert.Equal([4ul], sizes);
        Assert.True(_host.Last.IsDisposed);
    }

    [Fact]
    public async Task Taking_some_ends_after_them()
    {
        using LiveEvents<ulong> stream = Entries.Select(p => p.Arg(0)).Take(5).Take(2).Start();
        Hits(new Hit(4), new Hit(5), new Hit(6));
        Assert.Equal([4ul, 5ul], await stream.ToListAsync());
        Assert.Equal(0, stream.Losses.Missing);
        Assert.Empty(await Entries.Select(p => p.Arg(0)).Take(0).ToListAsync());
        Assert.Throws<ArgumentOutOfRangeException>(() => Entries.Select(p => p.Arg(0)).Take(-1));
    }

    [Fact]
    public async Task Anonymous_types_have_time_thread_and_function()
    {
        using var stream = Entries.Select(p => new { p.Timestamp, p.ThreadId, p.Function, Size = (int)p.Arg(0), Kind = p.Arg(0) > 5 ? 'L' : 's' }).Start();
        Hits(new Hit(4) { Time = 77, Probe = 1 }, new Hit(6));
        _host.Last.End();
        Assert.Equal(
            [new { Timestamp = 77L, ThreadId = 100, Function = "free", Size = 4, Kind = 's' }, new { Timestamp = 1000L, ThreadId = 100, Function = "malloc", Size = 6, Kind = 'L' }],
            await stream.ToListAsync());
    }

    [Fact]
    public async Task Calls_are_pairs_of_entry_and_return()
    {
        ProbeQuery<CallPoint> calls = new(new QueryDefinition(new QuerySource(_host, QuerySubject.Call, InterpretedHost.Points), []));
        using var stream = calls.Select(c => new { c.Timestamp, c.DurationNanoseconds, Size = c.Arg(0), c.ReturnValue }).Start();
        Hits(new Hit(4) { Time = 77, Duration = 5, Result = 9 });
        _host.Last.End();
        Assert.Equal([new { Timestamp = 77L, DurationNanoseconds = 5L, Size = 4ul, ReturnValue = 9ul }], await stream.ToListAsync());
    }

    [Fact]
    public async Task What_the_reader_is_too_slow_for_is_counted()
    {
        using LiveEvents<ulong> stream = Entries.Select(p => p.Arg(0)).Start();
        for (int i = 0; i < LiveEvents<ulong>.Capacity + 3; i++)
            _host.Last.Hit(new Hit((ulong)i));
        _host.Last.End();
        Assert.Equal(3, stream.Losses.Events);
        Assert.Equal(LiveEvents<ulong>.Capacity, (await stream.ToListAsync()).Count);
    }

    [Fact]
    public async Task A_failure_of_the_session_reaches_the_reader()
    {
        using LiveEvents<ulong> stream = Entries.Select(p => p.Arg(0)).Start();
        Hits(new Hit(1));
        _host.Last.End(new InvalidOperationException("made up"));
        await using IAsyncEnumerator<ulong> events = stream.GetAsyncEnumerator();
        Assert.True(await events.MoveNextAsync());
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await events.MoveNextAsync());
    }

    [Fact]
    public async Task A_loop_can_be_cancelled()
    {
        using CancellationTokenSource cancellation = new();
        await using IAsyncEnumerator<ulong> events = Entries.Select(p => p.Arg(0)).GetAsyncEnumerator(cancellation.Token);
        ValueTask<bool> next = events.MoveNextAsync();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
        Assert.True(_host.Last.IsDisposed);
    }

    [Fact]
    public async Task A_loop_over_points_of_which_one_is_refused_says_so()
    {
        InterpretedHost host = new() { Refused = [InterpretedHost.Points[1]] };
        EventQuery<ulong> query = new ProbeQuery<EntryPoint>(new QueryDefinition(new QuerySource(host, QuerySubject.Entry, InterpretedHost.Points), [])).Select(p => p.Arg(0));
        await Assert.ThrowsAsync<ProbeRefusedException>(async () => await query.ToListAsync());
        Assert.True(host.Last.IsDisposed);
        using LiveEvents<ulong> stream = query.Start();
        Assert.Single(stream.Refusals);
    }

    private void Hits(params Hit[] hits)
    {
        foreach (Hit hit in hits)
            _host.Last.Hit(hit);
    }
}
