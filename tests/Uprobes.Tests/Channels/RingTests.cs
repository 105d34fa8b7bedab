using System.Runtime.InteropServices;
using System.Text;
using CsCheck;
using Uprobes.Channels;

namespace Uprobes.Tests.Channels;

public sealed class RingTests : IDisposable
{
    private const int RingBytes = 4096, FirstRecord = -1;

    private static readonly EventDefinition[] Events =
    [
        new("none", []), new("numbers", [DataType.U64, DataType.I8, DataType.U32, DataType.I64]), new("text", [DataType.Text(24), DataType.I16]),
        new("large", [DataType.Text(256), DataType.Text(256), DataType.Text(256)]),
    ];

    private readonly ChannelLayout _layout = new([], 1, 8, RingBytes);
    private readonly ChannelMemory _channel;
    private readonly ChannelWriter _writer;
    private readonly ManualTime _time = new();

    public RingTests()
    {
        _channel = ChannelMemory.CreatePrivate(_layout);
        _writer = new ChannelWriter(_channel, Events);
    }

    private sealed class ManualTime : TimeProvider
    {
        internal long Now;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Now;
    }

    public void Dispose() => _channel.Dispose();

    private static ulong[] Fields(int number, int seed)
    {
        var random = new Random(seed);
        List<ulong> words = [];
        foreach (DataType type in Events[number].Fields)
        {
            if (!type.IsText)
            {
                words.Add((ulong)type.Wrap(random.NextInt64(long.MinValue, long.MaxValue)));
                continue;
            }

            byte[] bytes = new byte[type.Capacity];
            int length = random.Next(type.Capacity + 1);
            random.NextBytes(bytes.AsSpan(0, length));
            words.Add((uint)length | (random.Next(2) == 0 ? 0 : 1ul << 63));
            words.AddRange(MemoryMarshal.Cast<byte, ulong>(bytes));
        }

        return [.. words];
    }

    private long Thread(int slot) => ChannelThreads.RecordOffset(_layout, slot);

    [Fact]
    public void Fields_come_out_as_they_went_in()
    {
        ulong[] text = new ulong[5];
        text[0] = 5 | (1ul << 63);
        "hello"u8.CopyTo(MemoryMarshal.AsBytes(text.AsSpan(1)));
        text[4] = unchecked((ulong)-3);
        int slot = _writer.SlotOf(77, 77);
        Assert.True(_writer.Emit(slot, 1, 77, 123, [ulong.MaxValue, unchecked((ulong)-8), 9, 1]));
        Assert.True(_writer.Emit(slot, 2, 77, 124, text));

        List<EventRecord> events = new RingReader(_channel, Events).Drain();
        Assert.Equal(2, events.Count);
        Assert.Equal((1, 77, 123ul, slot), (events[0].Number, events[0].ThreadId, events[0].Ticks, events[0].Slot));
        Assert.Equal((-1, -8, 9, 1), (events[0].Integer(0), events[0].Integer(1), events[0].Integer(2), events[0].Integer(3)));
        Assert.Equal(("hello", true, -3), (Encoding.UTF8.GetString(events[1].Text(0)), events[1].IsCut(0), events[1].Integer(1)));
    }

    /// <summary>Writers fill rings beyond their end many times over, readers come at any moment; what is refused is counted, the rest comes in order.</summary>
    [Fact]
    public void Rings_wrap_around_without_losing_or_changing_anything() =>
        Gen.Select(Gen.Int[1, 3], Gen.Int[-1, 3], Gen.Int).Array[0, 400].Sample(steps =>
        {
            using ChannelMemory channel = ChannelMemory.CreatePrivate(_layout);
            ChannelWriter writer = new(channel, Events);
            RingReader reader = new(channel, Events);
            Queue<(int Number, ulong Ticks, ulong[] Fields)>[] expected = [[], [], [], []];
            ulong lost = 0, ticks = 0;
            foreach ((int thread, int number, int seed) in steps)
            {
                if (number < 0)
                {
                    Compare(reader.Drain(), expected);
                    continue;
                }

                ulong[] fields = Fields(number, seed);
                if (writer.Emit(writer.SlotOf((ulong)thread << 12, thread), number, thread, ++ticks, fields))
                    expected[thread].Enqueue((number, ticks, fields));
                else
                    lost++;
            }

            Compare(reader.Drain(), expected);
            Assert.All(expected, Assert.Empty);
            Assert.Equal(lost, ChannelLosses.Read(channel).Events);
            Assert.Empty(reader.Faults);
        });

    private static void Compare(List<EventRecord> events, Queue<(int Number, ulong Ticks, ulong[] Fields)>[] expected)
    {
        foreach (EventRecord found in events)
        {
            (int number, ulong ticks, ulong[] fields) = expected[found.ThreadId].Dequeue();
            Assert.Equal((number, ticks), (found.Number, found.Ticks));
            Assert.Equal(fields, found.Words.ToArray());
        }
    }

    [Fact]
    public void Events_of_nested_handlers_come_out_after_the_one_they_interrupted()
    {
        RingReader reader = new(_channel, Events, _time);
        int slot = _writer.SlotOf(7, 7);
        Assert.True(_writer.TryReserve(slot, 1, 7, out long outer));
        Assert.True(_writer.Emit(slot, 0, 7, 2, []));
        Assert.Empty(reader.Drain());
        _writer.Commit(outer, 1, [1, 2, 3, 4]);
        Assert.Equal([1ul, 2ul], reader.Drain().Select(e => e.Ticks));
    }

    [Fact]
    public void A_record_that_is_never_finished_is_skipped_after_a_while_if_there_are_later_ones()
    {
        RingReader reader = new(_channel, Events, _time);
        int slot = _writer.SlotOf(7, 7);
        Assert.True(_writer.TryReserve(slot, 1, 7, out _));
        Assert.Empty(reader.Drain());
        _time.Now = 10_000;
        Assert.Empty(reader.Drain()); // Nothing is later: it may yet be finished.
        Assert.True(_writer.Emit(slot, 0, 7, 2, []));
        Assert.Empty(reader.Drain());
        _time.Now = 12_000;
        Assert.Empty(reader.Drain());
        _time.Now = 12_001;
        Assert.Equal([2ul], reader.Drain().Select(e => e.Ticks));
        Assert.Equal(1, reader.Unfinished);
        Assert.True(_writer.Emit(slot, 0, 7, 3, []));
        Assert.Equal([3ul], reader.Drain().Select(e => e.Ticks));
    }

    [Fact]
    public void Room_that_was_taken_but_never_written_is_skipped_too()
    {
        RingReader reader = new(_channel, Events, _time);
        int slot = _writer.SlotOf(7, 7);
        for (int round = 0; round < 200; round++)
        {
            long head = Thread(slot) + ChannelLayout.RingHeadOffset;
            _channel.Write(head, _channel.Read(head) + 48);
            Assert.Empty(reader.Drain());
            Assert.True(_writer.Emit(slot, 2, 7, 2, new ulong[5]));
            _time.Now += 5000;
            Assert.Single(reader.Drain());
            Assert.Equal(round + 1, reader.Unfinished);
        }

        Assert.Empty(reader.Faults);
    }

    [Theory]
    [InlineData(nameof(RingFaultKind.ImpossibleHead), ChannelLayout.RingHeadOffset, RingBytes + 8)]
    [InlineData(nameof(RingFaultKind.ImpossibleHead), ChannelLayout.RingHeadOffset, 12)]
    [InlineData(nameof(RingFaultKind.MovedTail), ChannelLayout.RingTailOffset, 16)]
    [InlineData(nameof(RingFaultKind.ImpossibleRecord), FirstRecord, 0xffff)]
    [InlineData(nameof(RingFaultKind.ImpossibleRecord), FirstRecord, 8)]
    public void A_ring_without_sense_is_reported_once_and_left_alone_while_others_are_read(string kind, int offset, ulong value)
    {
        RingReader reader = new(_channel, Events);
        int bad = _writer.SlotOf(1 << 12, 41), good = _writer.SlotOf(2 << 12, 42);
        Assert.True(_writer.Emit(bad, 0, 41, 1, []));
        Assert.True(_writer.Emit(good, 0, 42, 2, []));
        _channel.Write(Thread(bad) + (offset == FirstRecord ? _layout.RingOffset : offset), value);
        Assert.Equal([42], reader.Drain().Select(e => e.ThreadId));
        Assert.True(_writer.Emit(good, 0, 42, 3, []));
        Assert.Single(reader.Drain());
        RingFault fault = Assert.Single(reader.Faults);
        Assert.Equal((bad, 41, kind), (fault.Slot, fault.ThreadId, fault.Kind.ToString()));
    }

    [Fact]
    public void A_text_that_is_longer_than_its_room_is_counted_and_skipped()
    {
        RingReader reader = new(_channel, Events);
        int slot = _writer.SlotOf(7, 7);
        _writer.Emit(slot, 2, 7, 1, [25, 0, 0, 0, 0]);
        _writer.Emit(slot, 2, 7, 2, [24, 0, 0, 0, 0]);
        Assert.Equal([2ul], reader.Drain().Select(e => e.Ticks));
        Assert.Equal(1, reader.Corrupt);
    }

    [Fact]
    public void An_event_whose_visitor_fails_counts_as_read()
    {
        RingReader reader = new(_channel, Events);
        int slot = _writer.SlotOf(7, 7);
        for (ulong i = 1; i <= 3; i++)
            _writer.Emit(slot, 0, 7, i, []);
        var failing = new FailingVisitor();
        Assert.Throws<InvalidOperationException>(() => reader.Drain(ref failing));
        Assert.Equal([2ul, 3ul], reader.Drain().Select(e => e.Ticks));
    }

    private struct FailingVisitor : IEventVisitor
    {
        public readonly void Visit(in EventView view) => throw new InvalidOperationException();
    }

    private struct Counter : IEventVisitor
    {
        internal long Sum;

        public void Visit(in EventView view) => Sum += view.Integer(0);
    }

    [Fact]
    public void Reading_allocates_nothing_for_an_event()
    {
        RingReader reader = new(_channel, Events);
        int slot = _writer.SlotOf(7, 7);
        Counter counter = default;
        long allocated = 0;
        for (int round = 0; round < 100; round++)
        {
            for (int i = 0; i < 50; i++)
                _writer.Emit(slot, 1, 7, 0, [1, 2, 3, 4]);
            long before = GC.GetAllocatedBytesForCurrentThread();
            reader.Drain(ref counter);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(5000, counter.Sum);
        Assert.Equal(0, allocated);
    }
}
