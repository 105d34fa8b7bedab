using System.Text;
using CsCheck;
using Uprobes.Channels;

namespace Uprobes.Tests.Channels;

/// <summary>What a writer puts into maps is what readers find, merged over threads and channels; the model is a plain list of the values.</summary>
public sealed class MapRoundTripTests
{
    private const int Probes = 3;

    private static readonly AggregateKind[] Merging = [.. Enum.GetValues<AggregateKind>().Where(k => k != AggregateKind.Value)];

    private static readonly Gen<DataType> Types = Gen.OneOf(
        DataType.U8, DataType.I8, DataType.U16, DataType.I16, DataType.U32, DataType.I32, DataType.U64, DataType.I64);

    private static readonly Gen<long> Values = Gen.OneOf(Gen.Long, Gen.Long[-20, 20], Gen.Int.Select(i => (long)i),
        Gen.OneOf(long.MinValue, long.MaxValue, -1L, 0L, 1L << 62));

    private static readonly Gen<LinearSteps> Steps = Gen.Select(Gen.Long[-1000, 1000], Gen.Int[1, 20], Gen.Long[1, 100],
        (least, count, width) => new LinearSteps(least, least + (count * width), width));

    private readonly record struct Hit(int Channel, int Thread, int Probe, int Number, string Text, long Value);

    private static readonly Gen<Hit> Hits = Gen.Select(Gen.Int[0, 1], Gen.Int[1, 4], Gen.Int[0, Probes - 1], Gen.Int[-2, 2],
        Gen.OneOf("", "a", "b", "a\0", "sixteen bytes!!!"), Values, (c, t, p, n, s, v) => new Hit(c, t, p, n, s, v));

    private static ulong[] KeyOf(Hit hit)
    {
        ulong[] key = new ulong[4];
        byte[] text = Encoding.UTF8.GetBytes(hit.Text);
        (key[0], key[1]) = ((ulong)hit.Number, (uint)text.Length);
        text.CopyTo(System.Runtime.InteropServices.MemoryMarshal.AsBytes(key.AsSpan(2)));
        return key;
    }

    private static MapSnapshot Run(MapDefinition map, Hit[] hits)
    {
        ChannelLayout[] layouts =
        [
            new([new MapDefinition("other", AggregateKind.Count, DataType.U64, [], 1), map], Probes, threadSlots: 4, ringBytes: 0),
            new([new MapDefinition("other", AggregateKind.Count, DataType.U64, [], 1), map], Probes + 2, threadSlots: 64, ringBytes: 4096),
        ];
        ChannelMemory[] channels = [.. layouts.Select(ChannelMemory.CreatePrivate)];
        try
        {
            ChannelWriter[] writers = [.. channels.Select(c => new ChannelWriter(c, []))];
            foreach (Hit hit in hits)
            {
                ChannelWriter writer = writers[hit.Channel];
                int slot = writer.SlotOf((ulong)hit.Thread << 12, hit.Thread);
                writer.AddToCell(slot, 1, hit.Probe, map.IsKeyed ? KeyOf(hit) : [], hit.Value);
            }

            Assert.All(channels, c => Assert.Equal(default, ChannelLosses.Read(c)));
            MapSnapshot all = MapReader.Read(channels, 1);
            if (map.IsKeyed)
                CheckEachKey(map, channels, all);
            return all;
        }
        finally
        {
            Array.ForEach(channels, c => c.Dispose());
        }
    }

    private static void CheckEachKey(MapDefinition map, ChannelMemory[] channels, MapSnapshot all)
    {
        foreach ((MapKey key, AggregateValue value) in all.Rows)
        {
            AggregateValue found = Assert.IsType<AggregateValue>(MapReader.ReadKey(channels, 1, key));
            Assert.Equal((value.Count, value.Sum, value.Minimum, value.Maximum), (found.Count, found.Sum, found.Minimum, found.Maximum));
            Assert.Equal(value.Buckets, found.Buckets);
        }

        Assert.Null(MapReader.ReadKey(channels, 1, new MapKey(MapKey.NoProbe, map.Keys, [99, 0, 0, 0])));
    }

    private static Int128 Exact(DataType type, long value) => type.IsSigned ? value : (ulong)value;

    private static void Check(MapDefinition map, AggregateValue found, long[] values)
    {
        Int128[] exact = [.. values.Select(v => Exact(map.ValueType, v))];
        if (map.Kind is not AggregateKind.Sum)
            Assert.Equal((ulong)values.Length, found.Count);
        if (map.Kind is AggregateKind.Sum or AggregateKind.Average or AggregateKind.Statistics)
        {
            Assert.Equal(Exact(map.ValueType, values.Aggregate(0L, (a, b) => unchecked(a + b))), found.Sum);
            if (map.Kind != AggregateKind.Sum)
                Assert.Equal((double)found.Sum / values.Length, found.Average);
        }

        if (map.Kind is AggregateKind.Minimum or AggregateKind.Statistics)
            Assert.Equal(exact.Min(), found.Minimum);
        if (map.Kind is AggregateKind.Maximum or AggregateKind.Statistics)
            Assert.Equal(exact.Max(), found.Maximum);
        Assert.Equal(map.Kind is AggregateKind.LogHistogram or AggregateKind.LinearHistogram ? map.CellWords : 0, found.Buckets.Length);
        for (int i = 0; i < found.Buckets.Length; i++)
        {
            (Int128 least, Int128 limit) = found.BoundsOf(i);
            Assert.Equal((ulong)exact.Count(v => v >= least && v < limit), found.Buckets[i]);
        }
    }

    [Fact]
    public void Cells_without_a_key_are_merged_per_probe() =>
        Gen.Select(Gen.OneOf(Merging), Types, Steps, Hits.Array[0, 60], Gen.Int[0, MapDefinition.MostBits]).Sample((kind, type, steps, hits, bits) =>
        {
            MapDefinition map = new("m", kind, type, [], 1, steps, kind == AggregateKind.LogHistogram ? bits : 0);
            hits = [.. hits.Select(h => h with { Value = type.Wrap(h.Value) })];
            MapSnapshot snapshot = Run(map, hits);
            Assert.Equal(0, snapshot.Corrupt);
            foreach (IGrouping<int, Hit> probe in hits.GroupBy(h => h.Probe))
            {
                long[] values = [.. probe.Select(h => h.Value)];
                if (snapshot.OfProbe(probe.Key) is { } found)
                    Check(map, found, values);
                else
                    Assert.True(kind == AggregateKind.Sum);
            }

            Assert.True(snapshot.Rows.Count <= hits.Select(h => h.Probe).Distinct().Count());
        });

    [Fact]
    public void Entries_of_one_key_are_merged_over_channels() =>
        Gen.Select(Gen.OneOf(Merging), Types, Steps, Hits.Array[0, 60]).Sample((kind, type, steps, hits) =>
        {
            MapDefinition map = new("m", kind, type, [DataType.I16, DataType.Text(16)], 256, steps);
            hits = [.. hits.Select(h => h with { Value = type.Wrap(h.Value) })];
            MapSnapshot snapshot = Run(map, hits);
            Assert.Equal(0, snapshot.Corrupt);
            IGrouping<(int, string), Hit>[] groups = [.. hits.GroupBy(h => (h.Number, h.Text))];
            Assert.Equal(groups.Length, snapshot.Rows.Count);
            foreach ((MapKey key, AggregateValue value) in snapshot.Rows)
            {
                Assert.Equal(MapKey.NoProbe, key.Probe);
                (int, string) parts = ((int)key.Integer(0), Encoding.UTF8.GetString(key.Text(1)));
                Check(map, value, [.. groups.Single(g => g.Key == parts).Select(h => h.Value)]);
            }
        });

    [Fact]
    public void Assigned_values_are_read_replaced_and_deleted() =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 2], Gen.Int).Array.Sample(steps =>
        {
            MapDefinition map = new("m", AggregateKind.Value, DataType.I32, [DataType.U64], 64);
            using ChannelMemory channel = ChannelMemory.CreatePrivate(new ChannelLayout([map], 1, 4, 0));
            ChannelWriter writer = new(channel, []);
            Dictionary<long, long> model = [];
            int slot = writer.SlotOf(9, 9);
            foreach ((int key, int action, int value) in steps)
            {
                ulong[] words = [(ulong)key];
                if (action == 0)
                    (model[key], _) = (value, 0);
                else if (action == 1)
                    model.Remove(key);
                if (action == 0)
                    writer.AddToCell(slot, 0, 0, words, value);
                else if (action == 1)
                    writer.Delete(slot, 0, 0, words);
                Assert.Equal(model.TryGetValue(key, out long expected), writer.TryRead(slot, 0, 0, words, out long found));
                Assert.Equal(expected, found);
            }

            MapSnapshot snapshot = MapReader.Read([channel], 0);
            Assert.Equal(model.Count, snapshot.Rows.Count);
            foreach ((long key, long value) in model)
                Assert.Equal(value, snapshot.Find(key)!.Value);
        });

    [Fact]
    public void Keys_beyond_the_room_are_counted_as_lost_and_others_stay()
    {
        MapDefinition map = new("m", AggregateKind.Count, DataType.U64, [DataType.U64], 64);
        using ChannelMemory channel = ChannelMemory.CreatePrivate(new ChannelLayout([map], 1, 4, 0));
        ChannelWriter writer = new(channel, []);
        int slot = writer.SlotOf(5, 5);
        for (int round = 0; round < 2; round++)
        {
            for (ulong key = 0; key < 100; key++)
                writer.AddToCell(slot, 0, 0, [key], 0);
        }

        MapSnapshot snapshot = MapReader.Read([channel], 0);
        ulong lost = ChannelLosses.Read(channel).Keys;
        Assert.InRange(snapshot.Rows.Count, 50, 64);
        Assert.Equal(200ul, lost + snapshot.Rows.Values.Aggregate(0ul, (sum, v) => sum + v.Count));
    }

    [Fact]
    public void A_key_that_another_thread_is_putting_in_is_counted_as_lost()
    {
        MapDefinition map = new("m", AggregateKind.Count, DataType.U64, [DataType.U64], 64);
        ChannelLayout layout = new([map], 1, 4, 0);
        using ChannelMemory channel = ChannelMemory.CreatePrivate(layout);
        ulong state = KeyHash.StateOf([7]);
        channel.Write(KeyedTable.EntryOffset(layout, 0, (int)(state >> 2) & 63), state | 1);
        ChannelWriter writer = new(channel, []);
        writer.AddToCell(writer.SlotOf(5, 5), 0, 0, [7], 0);
        Assert.Equal(1ul, ChannelLosses.Read(channel).Keys);
        Assert.Empty(MapReader.Read([channel], 0).Rows);
    }

    [Fact]
    public void A_map_of_a_memory_file_is_read_without_giving_memory_to_what_was_never_written()
    {
        MapDefinition cells = new("c", AggregateKind.LogHistogram, DataType.U64, [], 1);
        MapDefinition table = new("t", AggregateKind.LogHistogram, DataType.U64, [DataType.U64], 1 << 14);
        ChannelLayout layout = new([cells, table], 500, 64, 1 << 20);
        using var file = Uprobes.Linux.SealedMemoryFile.Create("channel");
        using ChannelMemory channel = ChannelMemory.CreateFrom(file, layout);
        ChannelWriter writer = new(channel, []);
        for (int i = 0; i < 20; i++)
        {
            int slot = writer.SlotOf((ulong)(i + 1) << 12, i + 1);
            writer.AddToCell(slot, 0, i * 25, [], 1L << i);
            writer.AddToCell(slot, 1, 0, [(ulong)i], 1L << i);
        }

        long before = Blocks(file);
        MapSnapshot perProbe = MapReader.Read([channel], 0), perKey = MapReader.Read([channel], 1);
        Assert.Equal(before, Blocks(file));
        Assert.Equal((20, 20), (perProbe.Rows.Count, perKey.Rows.Count));
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(1ul, perProbe.OfProbe(i * 25)!.Buckets[i + 2]);
            Assert.Equal(1ul, perKey.Find(i)!.Buckets[i + 2]);
        }
    }

    // How many pages have memory: the parts that are no holes.
    private static long Blocks(Microsoft.Win32.SafeHandles.SafeFileHandle file)
    {
        long bytes = 0, end = RandomAccess.GetLength(file);
        for (long offset = 0; offset < end;)
        {
            (long start, offset) = Uprobes.Linux.SealedMemoryFile.NextData(file, offset, end);
            bytes += offset - start;
        }

        return bytes;
    }
}
