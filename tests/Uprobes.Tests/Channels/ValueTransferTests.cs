using Uprobes.Channels;

namespace Uprobes.Tests.Channels;

/// <summary>Values that the tracer puts into maps while programs are at work in them.</summary>
public sealed class ValueTransferTests
{
    private static readonly MapDefinition Map = new("values", AggregateKind.Value, DataType.U64, [DataType.U64], 64);
    private static readonly ulong[] Key = [7];

    [Fact]
    public void A_value_is_set_though_another_thread_is_putting_its_key_in()
    {
        using ChannelMemory channel = ChannelMemory.CreatePrivate(new ChannelLayout([Map], probes: 1, threadSlots: 1, ringBytes: 0));
        long entry = EntryOf(channel);
        BeginInsert(channel, entry);
        int looks = 0;
        ValueTransfer.Set(channel, 0, Key, 5, () =>
        {
            looks++;
            if (looks == 2)
                channel.Write(entry + 8, Key[0]);
            else if (looks == 3)
                channel.Write(entry, KeyHash.StateOf(Key) | KeyedTable.Present);
        });
        Assert.Equal(3, looks);
        Assert.Equal(5ul, Assert.Single(MapReader.Read([channel], 0).Rows).Value.Value);
        Assert.Equal(0ul, channel.Read(ChannelLayout.LostOtherOffset));
    }

    [Fact]
    public void A_key_that_nobody_ends_putting_in_is_a_loss_that_is_counted()
    {
        using ChannelMemory channel = ChannelMemory.CreatePrivate(new ChannelLayout([Map], probes: 1, threadSlots: 1, ringBytes: 0));
        BeginInsert(channel, EntryOf(channel));
        ValueTransfer.Set(channel, 0, Key, 5);
        ValueTransfer.Delete(channel, 0, Key);
        Assert.Equal(1ul, channel.Read(ChannelLayout.LostOtherOffset));
        Assert.Empty(MapReader.Read([channel], 0).Rows);
    }

    private static long EntryOf(ChannelMemory channel) =>
        KeyedTable.EntryOffset(channel.Layout, 0, KeyedTable.FirstIndex(Map, KeyHash.StateOf(Key)));

    private static void BeginInsert(ChannelMemory channel, long entry) => channel.Write(entry, KeyHash.StateOf(Key) | KeyedTable.Writing);
}
