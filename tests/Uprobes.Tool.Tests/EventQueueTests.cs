using System.Buffers.Binary;
using Uprobes.Tool.Events;

namespace Uprobes.Tool.Tests;

public sealed class EventQueueTests
{
    [Fact]
    public void A_full_queue_drops_the_new_call_and_counts_it()
    {
        using var queue = new EventQueue(2, 0);
        Assert.True(queue.TryEnqueue(new CallRecord(1, 0, 0, 0), []));
        Assert.True(queue.TryEnqueue(new CallRecord(2, 0, 0, 0), []));
        Assert.False(queue.TryEnqueue(new CallRecord(3, 0, 0, 0), []));
        Assert.Equal(1, queue.Dropped);
        Assert.True(queue.TryDequeue(out var first, []));
        Assert.Equal(1, first.Probe);
        Assert.True(queue.TryEnqueue(new CallRecord(4, 0, 0, 0), []));
        Assert.True(queue.TryDequeue(out _, []));
        Assert.True(queue.TryDequeue(out var last, []));
        Assert.Equal(4, last.Probe);
        Assert.False(queue.TryDequeue(out _, []));
    }

    [Fact]
    public void Enqueueing_allocates_nothing()
    {
        using var queue = new EventQueue(1000, 8);
        var payload = new byte[8];
        queue.TryEnqueue(default, payload);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 2000; i++)
            queue.TryEnqueue(default, payload);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Calls_come_out_in_order_and_whole_while_both_ends_run()
    {
        const int Count = 300_000;
        using var queue = new EventQueue(64, 8);
        var producer = new Thread(() =>
        {
            var payload = new byte[8];
            for (long i = 0; i < Count; i++)
            {
                BinaryPrimitives.WriteInt64LittleEndian(payload, ~i);
                queue.TryEnqueue(new CallRecord(0, 0, 0, i), payload);
            }
            queue.Complete();
        });
        producer.Start();
        long last = -1, taken = 0;
        var copy = new byte[8];
        while (true)
        {
            var completed = queue.IsCompleted;
            while (queue.TryDequeue(out var record, copy))
            {
                Assert.True(record.TimeNanoseconds > last);
                Assert.Equal(~record.TimeNanoseconds, BinaryPrimitives.ReadInt64LittleEndian(copy));
                last = record.TimeNanoseconds;
                taken++;
            }
            if (completed)
                break;
            queue.Wait(TimeSpan.FromSeconds(10));
        }
        producer.Join();
        Assert.Equal(Count, taken + queue.Dropped);
    }

    [Fact]
    public void Waiting_ends_with_a_call_or_with_completion()
    {
        using var queue = new EventQueue(4, 0);
        queue.TryEnqueue(default, []);
        queue.Wait(Timeout.InfiniteTimeSpan);
        queue.TryDequeue(out _, []);
        var waiter = new Thread(() => queue.Wait(Timeout.InfiniteTimeSpan));
        waiter.Start();
        queue.Complete();
        Assert.True(waiter.Join(TimeSpan.FromSeconds(10)));
    }
}
