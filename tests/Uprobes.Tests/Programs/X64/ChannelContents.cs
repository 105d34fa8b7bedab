using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.Tests.Programs.X64;

/// <summary>Takes what emitted code has written out of a channel, word by word, and leaves the channel empty.</summary>
internal static class ChannelContents
{
    internal static void Take(Machine machine, ProgramGroup group, int probe, int threadId, RecordingOutput output)
    {
        MachineMemory channel = machine.Channel;
        ChannelLayout layout = machine.Layout;
        Assert.Equal(0ul, channel[ChannelLayout.LostThreadsOffset]);
        Assert.Equal(0ul, channel[ChannelLayout.LostOtherOffset]);
        for (int map = 0; map < group.Maps.Count; map++)
        {
            if (group.Maps[map].IsKeyed)
                TakeTable(machine, map, group.Maps[map], output);
        }

        long record = machine.Record;
        if (record < 0)
            return;

        Assert.Equal(0ul, channel[record + ChannelLayout.LostEventsOffset]);
        Assert.Equal(0ul, channel[record + ChannelLayout.LostKeysOffset]);
        Assert.Equal(0ul, channel[record + ChannelLayout.LostReturnsOffset]);
        for (int frame = 0; frame < ChannelLayout.ScratchFrames; frame++)
            Assert.Equal(0ul, channel[record + ChannelLayout.ScratchOffset + (frame * ChannelLayout.ScratchFrameSize)]);
        output.FailedReads = (int)channel[record + ChannelLayout.FailedReadsOffset];
        for (int map = 0; map < group.Maps.Count; map++)
        {
            if (!group.Maps[map].IsKeyed)
                output.SetCell(map, [], Words(channel, record + layout.CellsOffset(map) + (8 * group.Maps[map].CellWords * probe), group.Maps[map].CellWords));
        }

        if (layout.RingBytes > 0)
            TakeEvents(machine, group, threadId, record, output);
        channel.Bytes(record, layout.RingOffset).Clear();
    }

    private static void TakeTable(Machine machine, int map, MapDefinition definition, RecordingOutput output)
    {
        MachineMemory channel = machine.Channel;
        int size = machine.Layout.EntrySize(map);
        for (int i = 0; i < definition.Capacity; i++)
        {
            long entry = machine.Layout.TableOffset(map) + ((long)size * i);
            ulong state = channel[entry];
            if (state == 0)
                continue;

            ulong[] key = Words(channel, entry + 8, definition.KeySize / 8);
            Assert.Equal(KeyHash.StateOf(key) | 3, state);
            output.SetCell(map, key, Words(channel, entry + 8 + definition.KeySize, definition.CellWords));
            channel.Bytes(entry, size).Clear();
        }
    }

    private static void TakeEvents(Machine machine, ProgramGroup group, int threadId, long record, RecordingOutput output)
    {
        MachineMemory channel = machine.Channel;
        long ring = record + machine.Layout.RingOffset;
        int head = (int)channel[record + ChannelLayout.RingHeadOffset];
        for (int at = 0; at < head;)
        {
            ulong header = channel[ring + at];
            int size = (int)(header & 0xffff), number = (int)(header >> 16) & 0x7fff;
            Assert.True((header & (1ul << 31)) != 0 && size == group.Events[number].RecordSize, $"header {header:x}");
            Assert.Equal(threadId, (int)(header >> 32));
            Assert.NotEqual(0ul, channel[ring + at + 8]);
            output.Emit(number, Words(channel, ring + at + 16, (size - 16) / 8));
            at += size;
        }

        channel.Bytes(ring, head).Clear();
    }

    private static ulong[] Words(MachineMemory memory, long offset, int count)
    {
        ulong[] words = new ulong[count];
        for (int i = 0; i < count; i++)
            words[i] = memory[offset + (8 * i)];
        return words;
    }
}
