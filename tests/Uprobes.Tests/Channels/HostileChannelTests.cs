using System.Diagnostics;
using System.Runtime.InteropServices;
using CsCheck;
using Uprobes.Channels;

namespace Uprobes.Tests.Channels;

/// <summary>A target may write anything anywhere in its channel at any moment: readers neither fail nor stay, and lose only that channel's contents.</summary>
public sealed class HostileChannelTests
{
    private static readonly MapDefinition[] Maps =
    [
        new("a", AggregateKind.Statistics, DataType.I16, [], 1), new("b", AggregateKind.Minimum, DataType.U32, [DataType.I32, DataType.Text(16)], 256),
        new("c", AggregateKind.Value, DataType.I64, [DataType.U64], 16), new("d", AggregateKind.LogHistogram, DataType.U64, [DataType.U8], 16),
        new("e", AggregateKind.LinearHistogram, DataType.I8, [], 1, new LinearSteps(0, 10, 1)), new("f", AggregateKind.Average, DataType.U8, [], 1),
    ];

    private static readonly EventDefinition[] Events = [new("e", [DataType.U64, DataType.Text(32)]), new("f", [])];

    private static readonly ChannelLayout Layout = new(Maps, 2, 4, 4096);

    private struct Visitor : IEventVisitor
    {
        internal long Events;

        public void Visit(in EventView view)
        {
            Events++;
            if (view.Number == 0)
                _ = view.Integer(0) + view.Text(1).Length + (view.IsCut(1) ? 1 : 0);
        }
    }

    private static void ReadAll(ChannelMemory channel, RingReader reader, ref Visitor visitor)
    {
        for (int i = 0; i < Maps.Length; i++)
        {
            foreach ((MapKey key, AggregateValue value) in MapReader.Read([channel], i).Rows)
            {
                _ = value.Count + (ulong)value.Average + (ulong)value.Buckets.Length;
                _ = value.Sum + value.Minimum + value.Maximum + value.Value;
                for (int part = 0; part < key.Parts; part++)
                    _ = key.TypeOf(part).IsText ? key.Text(part).Length : key.Integer(part);
            }
        }

        _ = ChannelThreads.Read(channel);
        _ = ChannelLosses.Read(channel);
        _ = ChannelThreads.ThreadStarted(channel, 5 << 12, 5);
        reader.Drain(ref visitor);
    }

    private static void Fill(ChannelMemory channel)
    {
        ChannelWriter writer = new(channel, Events);
        for (int tid = 1; tid <= 3; tid++)
        {
            int slot = writer.SlotOf((ulong)tid << 12, tid);
            for (int i = 0; i < 5; i++)
            {
                writer.AddToCell(slot, 0, i & 1, [], i);
                writer.AddToCell(slot, 1, 0, [(ulong)i, 2, 0x6161, 0], i);
                writer.AddToCell(slot, 2, 0, [(ulong)i], i);
                writer.AddToCell(slot, 3, 0, [(ulong)i], i);
                writer.Emit(slot, 0, tid, 5, [1, 2, 3, 4, 5, 6]);
                writer.Emit(slot, 1, tid, 6, []);
            }
        }
    }

    [Fact]
    public void Single_changed_words_harm_no_reader() =>
        Gen.Select(Gen.Long[0, (Layout.Size / 8) - 1], Gen.OneOf(Gen.ULong, Gen.ULong[0, 100], Gen.ULong.Select(w => w | (1ul << 63) | 3)))
            .Array[1, 300].Sample(changes =>
            {
                using ChannelMemory channel = ChannelMemory.CreatePrivate(Layout);
                Fill(channel);
                RingReader reader = new(channel, Events);
                Visitor visitor = default;
                for (int i = 0; i < changes.Length; i++)
                {
                    (long word, ulong value) = changes[i];

                    // Most of the channel is empty: every second change goes to where something is.
                    channel.Write(i % 2 == 0 ? word * 8 : InUse(word), value);
                    if (i % 16 == 0)
                        ReadAll(channel, reader, ref visitor);
                }

                ReadAll(channel, reader, ref visitor);
            }, iter: 200);

    private static long InUse(long word)
    {
        int slot = (int)(word % 3), inRecord = (int)(word / 3 % 4);
        long record = ChannelThreads.RecordOffset(Layout, slot);
        long within = word / 12 % 64 * 8;
        return inRecord switch
        {
            0 => ChannelThreads.KeyOffset(slot) + (within % 16),
            1 => record + (within % 192),
            2 => record + Layout.RingOffset + within,
            _ => Layout.TableOffset(1 + (int)(word % 3)) + within,
        };
    }

    [Fact]
    public void A_thread_that_scribbles_over_the_whole_channel_cannot_stop_the_readers()
    {
        using ChannelMemory channel = ChannelMemory.CreatePrivate(Layout);
        using ManualResetEventSlim end = new();
        Thread scribbler = new(() => Scribble(channel, end));
        scribbler.Start();
        try
        {
            Stopwatch all = Stopwatch.StartNew();
            int rounds = 0;
            for (; all.ElapsedMilliseconds < 1500; rounds++)
            {
                // A new reader each time, since one leaves bad rings alone.
                RingReader reader = new(channel, Events);
                Visitor visitor = default;
                ReadAll(channel, reader, ref visitor);
                ReadAll(channel, reader, ref visitor);
                Assert.True(reader.Faults.Count <= Layout.ThreadSlots);
                Assert.True(visitor.Events <= 2 * Layout.ThreadSlots * (Layout.RingBytes / 16));
            }

            Assert.InRange(rounds, 10, int.MaxValue);
        }
        finally
        {
            end.Set();
            scribbler.Join();
        }
    }

    /// <summary>Random bytes, and now and then what a writer would leave, so that readers get far.</summary>
    private static void Scribble(ChannelMemory channel, ManualResetEventSlim end)
    {
        var random = new Random(12345);
        while (!end.IsSet)
        {
            if (random.Next(4) == 0)
            {
                channel.Bytes(0, (int)Layout.Size).Clear();
                Fill(channel);
            }

            for (int i = 0; i < 200; i++)
            {
                int length = random.Next(1, 256);
                random.NextBytes(channel.Bytes(random.NextInt64(Layout.Size - length), length));
                channel.Write(InUse(random.NextInt64(1 << 20)), (ulong)random.NextInt64());
            }

            if (random.Next(16) == 0)
                random.NextBytes(channel.Bytes(0, (int)Layout.Size));
        }
    }

    [Fact]
    public void Corrupt_entries_are_counted_and_the_others_read()
    {
        using ChannelMemory channel = ChannelMemory.CreatePrivate(Layout);
        Fill(channel);
        Assert.Equal(5, MapReader.Read([channel], 1).Rows.Count);
        long entry = Enumerable.Range(0, Maps[1].Capacity).Select(i => KeyedTable.EntryOffset(Layout, 1, i)).First(e => channel.Read(e) != 0);
        foreach ((int offset, ulong value) in ((int, ulong)[])[(0, 7), (8, 1ul << 40), (16, 17), (32, 1), (40, 1ul << 32)])
        {
            ulong before = channel.Read(entry + offset);
            channel.Write(entry + offset, value);
            MapSnapshot snapshot = MapReader.Read([channel], 1);
            Assert.Equal((4, 1), (snapshot.Rows.Count, snapshot.Corrupt));
            channel.Write(entry + offset, before);
        }

        // The same entry at a place where no search would find it.
        byte[] copy = channel.Bytes(entry, Layout.EntrySize(1)).ToArray();
        long far = Enumerable.Range(0, Maps[1].Capacity).Select(i => KeyedTable.EntryOffset(Layout, 1, i))
            .First(e => channel.Read(e) == 0 && !KeyedTable.IsInReach(Maps[1], MemoryMarshal.Read<ulong>(copy) & ~3ul, (int)((e - Layout.TableOffset(1)) / copy.Length)));
        copy.CopyTo(channel.Bytes(far, copy.Length));
        Assert.Equal(1, MapReader.Read([channel], 1).Corrupt);
    }
}
