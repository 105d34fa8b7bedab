using Xunit;

namespace Uprobes.Tests.Queries;

/// <summary>Events on their way to the loop that reads them.</summary>
public sealed class EventBufferTests
{
    private readonly EventBuffer<int> _buffer = new(1000);

    [Fact]
    public async Task A_loop_that_is_left_loses_nothing_and_the_next_goes_on()
    {
        for (int i = 0; i < 600; i++)
            Assert.True(_buffer.TryAdd(i));
        Assert.Equal(Enumerable.Range(0, 10), await Take(10));
        Assert.True(_buffer.TryAdd(600));
        _buffer.Complete(null);
        Assert.Equal(Enumerable.Range(10, 591), await Take(int.MaxValue));
    }

    [Fact]
    public async Task A_second_loop_at_the_same_time_is_an_error()
    {
        Assert.True(_buffer.TryAdd(1) && _buffer.TryAdd(2));
        await using IAsyncEnumerator<int> first = _buffer.Read(CancellationToken.None);
        Assert.True(await first.MoveNextAsync());
        await using IAsyncEnumerator<int> second = _buffer.Read(CancellationToken.None);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await second.MoveNextAsync());
        Assert.True(await first.MoveNextAsync());
        Assert.Equal(2, first.Current);
    }

    [Fact]
    public async Task What_finds_no_room_is_refused_and_a_loop_that_waits_is_woken()
    {
        for (int i = 0; i < 1000; i++)
            Assert.True(_buffer.TryAdd(i));
        Assert.False(_buffer.TryAdd(1000));
        Assert.Equal(1000, (await Take(1000)).Count);
        Task<List<int>> waiting = Take(1);
        Assert.True(_buffer.TryAdd(7));
        Assert.Equal([7], await waiting);
    }

    [Fact]
    public async Task An_error_ends_the_loop_behind_the_last_event()
    {
        Assert.True(_buffer.TryAdd(1));
        _buffer.Complete(new IOException("broken"));
        await using IAsyncEnumerator<int> events = _buffer.Read(CancellationToken.None);
        Assert.True(await events.MoveNextAsync());
        await Assert.ThrowsAsync<IOException>(async () => await events.MoveNextAsync());
    }

    private async Task<List<int>> Take(int most)
    {
        List<int> taken = [];
        await using IAsyncEnumerator<int> events = _buffer.Read(TestContext.Current.CancellationToken);
        while (taken.Count < most && await events.MoveNextAsync())
            taken.Add(events.Current);
        return taken;
    }
}
