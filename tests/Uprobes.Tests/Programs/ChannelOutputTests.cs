using CsCheck;
using Uprobes.Channels;
using Uprobes.Programs;
using static Uprobes.Tests.Programs.ProgramRun;

namespace Uprobes.Tests.Programs;

/// <summary>Interpreted programs write channels.</summary>
public sealed class ChannelOutputTests
{
    [Fact]
    public void A_channel_holds_what_programs_did() => ProgramGenerator.Cases.Sample(
        test =>
        {
            RecordingOutput expected = new(test.Group);
            using ChannelMemory channel = ChannelMemory.CreatePrivate(test.Group.LayoutFor(ProgramCase.Probes));
            ChannelProgramOutput output = new(new ChannelWriter(channel, test.Group.Events));
            Interpreter interpreter = new();
            interpreter.Run(test.Group.Entry, test.Entry, expected);
            Assert.True(output.TryBegin(7, test.Entry.ThreadId, test.Entry.ProbeIndex, ticks: 5));
            interpreter.Run(test.Group.Entry, test.Entry, output);
            Assert.Equal(expected.Followed is not null, output.FollowsCall);
            if (expected.Followed is not null)
            {
                Assert.Equal(expected.Followed, output.KeptWords.ToArray());
                SyntheticContext context = test.Return with { EntryWords = expected.Followed };
                interpreter.Run(test.Group.Return!, context, expected);
                Assert.True(output.TryBegin(7, context.ThreadId, context.ProbeIndex, ticks: 6));
                Assert.False(output.FollowsCall);
                interpreter.Run(test.Group.Return!, context, output);
            }

            RecordingOutput actual = ChannelContents.Read(channel, test.Group, test.Entry.ProbeIndex);
            actual.Followed = expected.Followed;
            Assert.Equal(expected.Describe(), actual.Describe());
        },
        iter: 500);

    [Fact]
    public void Events_have_their_thread_and_time()
    {
        ProgramGroup group = Group(new Emit(0, [U64(9)]));
        using ChannelMemory channel = ChannelMemory.CreatePrivate(group.LayoutFor(1));
        ChannelProgramOutput output = new(new ChannelWriter(channel, group.Events));
        Assert.True(output.TryBegin(1, 1234, 0, 77));
        new Interpreter().Run(group.Entry, Hit, output);
        EventRecord record = Assert.Single(new RingReader(channel, group.Events).Drain());
        Assert.Equal((1234, 77ul, 9), (record.ThreadId, record.Ticks, record.Integer(0)));
    }

    [Fact]
    public void A_thread_without_room_is_a_lost_hit()
    {
        ProgramGroup group = Group(new Emit(0, [U64(9)])) with { ThreadSlots = 1 };
        using ChannelMemory channel = ChannelMemory.CreatePrivate(group.LayoutFor(1));
        ChannelProgramOutput output = new(new ChannelWriter(channel, group.Events));
        Assert.True(output.TryBegin(1, 1, 0, 0));
        Assert.False(output.TryBegin(2, 2, 0, 0));
        Assert.Equal(1ul, ChannelLosses.Read(channel).Threads);
    }

    [Fact]
    public void A_return_that_cannot_be_followed_is_counted()
    {
        ProgramGroup group = Group(new FollowCall([]));
        using ChannelMemory channel = ChannelMemory.CreatePrivate(group.LayoutFor(1));
        ChannelProgramOutput output = new(new ChannelWriter(channel, group.Events));
        Assert.True(output.TryBegin(1, 1, 0, 0));
        new Interpreter().Run(group.Entry, Hit, output);
        Assert.True(output.FollowsCall);
        output.CountLostReturn();
        Assert.Equal(1ul, ChannelLosses.Read(channel).Returns);
    }
}
