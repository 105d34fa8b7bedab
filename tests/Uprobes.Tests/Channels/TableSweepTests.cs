using CsCheck;
using Uprobes.Channels;

namespace Uprobes.Tests.Channels;

/// <summary>Keys that were deleted make room for others.</summary>
public sealed class TableSweepTests
{
    private static readonly MapDefinition Map = new("values", AggregateKind.Value, DataType.U64, [DataType.U64], 64);

    [Fact]
    public void A_writer_that_is_alone_never_runs_out_of_room_for_keys_that_it_deletes()
    {
        using ChannelMemory channel = Create();
        ChannelWriter writer = new(channel, []) { Sweeps = true };
        int slot = writer.SlotOf(1, 1);
        for (ulong key = 1; key < 10_000; key++)
        {
            writer.AddToCell(slot, 0, 0, [key], (long)key);
            Assert.True(writer.TryRead(slot, 0, 0, [key], out long value));
            Assert.Equal((long)key, value);
            writer.Delete(slot, 0, 0, [key]);
            Assert.False(writer.TryRead(slot, 0, 0, [key], out _));
        }

        Assert.Equal(0ul, ChannelLosses.Read(channel).Keys);
    }

    [Fact]
    public void One_among_others_does()
    {
        using ChannelMemory channel = Create();
        ChannelWriter writer = new(channel, []);
        int slot = writer.SlotOf(1, 1);
        for (ulong key = 1; key < 1000; key++)
        {
            writer.AddToCell(slot, 0, 0, [key], 1);
            writer.Delete(slot, 0, 0, [key]);
        }

        Assert.InRange(ChannelLosses.Read(channel).Keys, 900ul, 1000ul);
        Assert.True(TableSweep.IsDue(channel, 0));
        TableSweep.Sweep(channel, 0);
        Assert.False(TableSweep.IsDue(channel, 0));
        ulong lost = ChannelLosses.Read(channel).Keys;
        writer.AddToCell(slot, 0, 0, [5000], 7);
        Assert.Equal(lost, ChannelLosses.Read(channel).Keys);
        Assert.Equal(7, Assert.Single(MapReader.Read([channel], 0).Rows).Value.Value);
    }

    [Theory]
    [InlineData(nameof(AggregateKind.Minimum), true, true)]
    [InlineData(nameof(AggregateKind.Minimum), false, true)]
    [InlineData(nameof(AggregateKind.Maximum), true, true)]
    [InlineData(nameof(AggregateKind.Maximum), false, false)] // 0, as if it had been put in.
    public void An_extreme_that_was_deleted_before_it_was_counted_is_no_value(string kind, bool isSigned, bool isNone)
    {
        MapDefinition map = new("extremes", Enum.Parse<AggregateKind>(kind), isSigned ? DataType.I64 : DataType.U64, [DataType.U64], 64) { IsRead = true };
        using ChannelMemory channel = ChannelMemory.CreatePrivate(new ChannelLayout([map], probes: 1, threadSlots: 1, ringBytes: 0));
        ChannelWriter writer = new(channel, []);
        int slot = writer.SlotOf(1, 1);
        writer.AddToCell(slot, 0, 0, [7], 5);
        Assert.Equal(5, Extreme());

        // One thread raises the extreme, another one deletes all, and the first one counts.
        long cell = KeyedTable.EntryOffset(channel.Layout, 0, Enumerable.Range(0, map.Capacity).First(i => channel.Read(KeyedTable.EntryOffset(channel.Layout, 0, i)) != 0)) + 8 + map.KeySize;
        Cell.Clear(channel, cell, map);
        channel.Add(cell + 8, 1);
        Assert.Equal(isNone, MapReader.Read([channel], 0).Rows.Count == 0);
        Assert.Equal(isNone, writer.ReadWord(slot, 0, [7], map.PresenceWord) == 0);

        writer.AddToCell(slot, 0, 0, [7], 9);
        Assert.Equal(9, Extreme());

        Int128 Extreme()
        {
            AggregateValue value = Assert.Single(MapReader.Read([channel], 0).Rows).Value;
            return map.Kind == AggregateKind.Minimum ? value.Minimum : value.Maximum;
        }
    }

    [Theory]
    [InlineData(nameof(AggregateKind.Count))]
    [InlineData(nameof(AggregateKind.Average))]
    [InlineData(nameof(AggregateKind.Minimum))]
    [InlineData(nameof(AggregateKind.Maximum))]
    [InlineData(nameof(AggregateKind.Statistics))]
    public void What_programs_gather_and_read_is_deleted_and_swept_as_values_are(string kind)
    {
        MapDefinition map = new("gathered", Enum.Parse<AggregateKind>(kind), DataType.I64, [DataType.U64], 64) { IsRead = true };
        using ChannelMemory channel = ChannelMemory.CreatePrivate(new ChannelLayout([map], probes: 1, threadSlots: 1, ringBytes: 0));
        ChannelWriter writer = new(channel, []) { Sweeps = true };
        int slot = writer.SlotOf(1, 1);
        for (ulong key = 2; key < 5000; key++)
        {
            writer.AddToCell(slot, 0, 0, [1], (long)key);
            writer.AddToCell(slot, 0, 0, [key], -5);
            writer.AddToCell(slot, 0, 0, [key], (long)key);
            Assert.Equal(2ul, writer.ReadWord(slot, 0, [key], map.Kind == AggregateKind.Count ? 0 : 1));
            Assert.NotEqual(0ul, writer.ReadWord(slot, 0, [key], map.PresenceWord));
            writer.Delete(slot, 0, 0, [key]);
            Assert.Equal(0ul, writer.ReadWord(slot, 0, [key], 0));
        }

        Assert.Equal(0ul, ChannelLosses.Read(channel).Keys);
        AggregateValue value = Assert.Single(MapReader.Read([channel], 0).Rows).Value;
        Assert.Equal(4998ul, value.Count);
        Assert.Equal(kind is nameof(AggregateKind.Minimum) or nameof(AggregateKind.Statistics) ? 2 : 0, value.Minimum);
        Assert.Equal(kind is nameof(AggregateKind.Maximum) or nameof(AggregateKind.Statistics) ? 4999 : 0, value.Maximum);

        using ChannelMemory next = ChannelMemory.CreatePrivate(channel.Layout);
        ValueTransfer.Move(channel, next);
        Assert.Empty(MapReader.Read([channel], 0).Rows);
        Assert.Equal(value.Words, Assert.Single(MapReader.Read([next], 0).Rows).Value.Words);
    }

    [Fact]
    public void A_sweep_changes_no_value()
    {
        Gen.Select(Gen.Int[1, 40], Gen.Bool).Array[0, 300].Sample(steps =>
        {
            using ChannelMemory channel = Create();
            ChannelWriter writer = new(channel, []);
            int slot = writer.SlotOf(1, 1);
            Dictionary<ulong, Int128> expected = [];
            for (int i = 0; i < steps.Length; i++)
            {
                ulong key = (ulong)steps[i].Item1;
                if (steps[i].Item2)
                {
                    writer.AddToCell(slot, 0, 0, [key], i);
                    expected[key] = i;
                }
                else
                {
                    writer.Delete(slot, 0, 0, [key]);
                    expected.Remove(key);
                }

                if (i % 50 == 49)
                    TableSweep.Sweep(channel, 0);
            }

            // Where a key found no room, that was counted.
            Dictionary<ulong, Int128> found = MapReader.Read([channel], 0).Rows.ToDictionary(r => (ulong)r.Key.Integer(0), r => (Int128)r.Value.Value);
            return ChannelLosses.Read(channel).Keys + ChannelLosses.Read(channel).Other > 0 || (found.Count == expected.Count && expected.All(e => found[e.Key] == e.Value));
        });
    }

    [Fact]
    public void A_sweep_of_a_map_of_which_every_entry_was_used_loses_no_value()
    {
        Gen.Int[0, int.MaxValue].Sample(seed =>
        {
            using ChannelMemory channel = Create();
            ChannelWriter writer = new(channel, []);
            int slot = writer.SlotOf(1, 1);
            Random random = new(seed);
            Dictionary<ulong, Int128> expected = [];
            for (int i = 0; i < 500; i++)
            {
                ulong key = (ulong)random.NextInt64();
                ulong before = ChannelLosses.Read(channel).Keys;
                writer.AddToCell(slot, 0, 0, [key], i);
                if (ChannelLosses.Read(channel).Keys > before)
                    continue;
                if (i % 8 == 7)
                    writer.Delete(slot, 0, 0, [key]);
                else
                    expected.Add(key, i);
            }

            long table = channel.Layout.TableOffset(0);
            Assert.All(Enumerable.Range(0, Map.Capacity), index => Assert.NotEqual(0ul, channel.Read(table + ((long)index * channel.Layout.EntrySize(0)))));
            TableSweep.Sweep(channel, 0);
            Assert.Equal(0ul, ChannelLosses.Read(channel).Other);
            Assert.Equal(expected, MapReader.Read([channel], 0).Rows.ToDictionary(r => (ulong)r.Key.Integer(0), r => (Int128)r.Value.Value));
        });
    }

    [Fact]
    public void Whatever_a_target_has_written_a_sweep_ends_and_leaves_a_table_that_works()
    {
        Gen.Int[0, int.MaxValue].Sample(seed =>
        {
            using ChannelMemory channel = Create();
            Random random = new(seed);
            long table = channel.Layout.TableOffset(0);
            for (int i = 0; i < Map.Capacity * channel.Layout.EntrySize(0) / 8; i++)
                channel.Write(table + (8 * i), random.Next(3) == 0 ? (ulong)random.Next(4) : (ulong)random.NextInt64() << random.Next(8));
            _ = TableSweep.IsDue(channel, 0);
            TableSweep.Sweep(channel, 0);
            Assert.Equal(0, MapReader.Read([channel], 0).Corrupt);
            ChannelWriter writer = new(channel, []);
            int slot = writer.SlotOf(1, 1);
            ulong lost = ChannelLosses.Read(channel).Keys;
            writer.AddToCell(slot, 0, 0, [77], 5);
            Assert.True(ChannelLosses.Read(channel).Keys > lost || (writer.TryRead(slot, 0, 0, [77], out long value) && value == 5));
        });
    }

    /// <summary>Numbers in a row, and addresses at equal distances, are the keys that a table has most often.</summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(93_000, 1)]
    [InlineData(0x5581_0000_1000, 64)]
    [InlineData(0x7fff_ffff_0000, 4096)]
    public void A_table_that_is_half_full_has_found_room_for_every_key(ulong first, ulong distance)
    {
        const int Entries = 1 << 15;
        using ChannelMemory channel = ChannelMemory.CreatePrivate(new ChannelLayout([new MapDefinition("@", AggregateKind.Count, DataType.U64, [DataType.U64], Entries)], probes: 1, threadSlots: 1, ringBytes: 0));
        for (ulong i = 0; i < Entries / 2; i++)
            Assert.True(KeyedTable.Find(channel, 0, [first + (i * distance)], insert: true) >= 0);
    }

    private static ChannelMemory Create() => ChannelMemory.CreatePrivate(new ChannelLayout([Map], probes: 1, threadSlots: 1, ringBytes: 0));
}
