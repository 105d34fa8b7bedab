using Uprobes.Channels;

namespace Uprobes.Tests.Channels;

public sealed class ChannelThreadsTests
{
    private static readonly EventDefinition[] Events = [new("e", [])];

    private readonly ChannelLayout _layout = new([new MapDefinition("m", AggregateKind.Count, DataType.U64, [], 1)], 1, 4, 4096);

    [Fact]
    public void A_thread_on_the_stack_of_one_that_ended_has_its_slot_under_its_own_id()
    {
        using ChannelMemory channel = ChannelMemory.CreatePrivate(_layout);
        ChannelWriter writer = new(channel, Events);
        ulong fsBase = 0x7f00_1234_5740;
        int slot = writer.SlotOf(fsBase + 1, 100);
        Assert.True(ChannelThreads.ThreadStarted(channel, fsBase, 200));
        Assert.False(ChannelThreads.ThreadStarted(channel, fsBase + 0x1000, 300));
        Assert.Equal([new ChannelThread(slot, fsBase + 1, 200)], ChannelThreads.Read(channel));
    }

    [Fact]
    public void A_slot_that_an_ended_thread_has_left_is_given_to_a_new_one()
    {
        using ChannelMemory channel = ChannelMemory.CreatePrivate(_layout);
        ChannelWriter writer = new(channel, Events);
        ulong[] fsBases = [.. Enumerable.Range(0, 4).Select(i => 0x7f00_0000_0000 + ((ulong)i << 12))];
        foreach (ulong fsBase in fsBases)
            writer.SlotOf(fsBase + 1, (int)(fsBase >> 12) & 0xff);
        ulong other = 0x7f00_0010_0000;
        Assert.False(ChannelThreads.ThreadStarted(channel, other, 50));
        ChannelThreads.ThreadEnded(channel, fsBases[2], 77); // Another than the slot's: that one lives.
        Assert.False(ChannelThreads.ThreadStarted(channel, other, 50));
        ChannelThreads.ThreadEnded(channel, fsBases[2], 2);
        Assert.True(ChannelThreads.ThreadStarted(channel, other, 50));
        Assert.Equal(new ChannelThread(2, other + 1, 50), ChannelThreads.Read(channel)[2]);
        Assert.False(ChannelThreads.ThreadStarted(channel, fsBases[2], 60));
        Assert.True(ChannelThreads.ThreadStarted(channel, fsBases[3], 70));
    }

    [Fact]
    public void Threads_beyond_the_slots_are_counted_as_lost()
    {
        using ChannelMemory channel = ChannelMemory.CreatePrivate(_layout);
        ChannelWriter writer = new(channel, Events);
        int[] slots = [.. Enumerable.Range(1, 6).Select(tid => writer.SlotOf((ulong)tid, tid))];
        Assert.Equal([-1, -1, 0, 1, 2, 3], slots.Order());
        Assert.Equal(2ul, ChannelLosses.Read(channel).Threads);
        Assert.False(ChannelThreads.ThreadStarted(channel, 77 << 12, 7));
    }

    [Fact]
    public void What_a_thread_wrote_stays_when_its_slot_goes_to_another()
    {
        using ChannelMemory channel = ChannelMemory.CreatePrivate(_layout);
        ChannelWriter writer = new(channel, Events);
        for (int tid = 1; tid <= 100; tid++)
        {
            int slot = writer.SlotOf((ulong)tid, tid);
            writer.AddToCell(slot, 0, 0, [], 0);
            writer.Emit(slot, 0, tid, (ulong)tid, []);
            writer.CountFailedRead(slot);
            writer.ThreadEnded((ulong)tid);
        }

        Assert.Equal(100ul, MapReader.Read([channel], 0).OfProbe(0)!.Count);
        Assert.Equal(Enumerable.Range(1, 100), new RingReader(channel, Events).Drain().Select(e => e.ThreadId));
        Assert.Equal(new ChannelLosses(0, 0, 0, 100, 0, 0), ChannelLosses.Read(channel));
    }

    [Fact]
    public void Losses_are_summed_over_threads_and_channels()
    {
        using ChannelMemory channel = ChannelMemory.CreatePrivate(_layout);
        for (int slot = 0; slot < 2; slot++)
        {
            channel.Write(ChannelThreads.KeyOffset(slot), 1 + (ulong)slot);
            for (int i = 0; i < 5; i++)
                channel.Write(ChannelThreads.RecordOffset(_layout, slot) + (8 * i), (ulong)Math.Pow(10, i));
        }

        channel.Write(ChannelLayout.LostThreadsOffset, 3);
        channel.Write(ChannelLayout.LostOtherOffset, 4);
        ChannelLosses losses = ChannelLosses.Read(channel);
        Assert.Equal(new ChannelLosses(3, 2, 20, 200, 20_000, 4), losses);
        Assert.Equal(new ChannelLosses(6, 4, 40, 400, 40_000, 8), losses + losses);
    }
}
