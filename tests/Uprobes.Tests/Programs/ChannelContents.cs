using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.Tests.Programs;

/// <summary>
/// Reads everything out of a channel that only one thread and one probe have written, for comparison with what was expected. It knows
/// the layout by itself, and expects that nothing was lost.
/// </summary>
internal static class ChannelContents
{
    /// <summary>What the channel holds. Which call is followed is not in it.</summary>
    internal static RecordingOutput Read(ChannelMemory channel, ProgramGroup group, int probe)
    {
        RecordingOutput output = new(group);
        ChannelLosses losses = ChannelLosses.Read(channel);
        Assert.Equal(default, losses with { FailedReads = 0 });
        output.FailedReads = (int)losses.FailedReads;
        for (int map = 0; map < group.Maps.Count; map++)
        {
            if (group.Maps[map].IsKeyed)
                ReadTable(channel, map, output);
            else
                ReadCells(channel, map, probe, output);
        }

        ReadEvents(channel, group, output);
        return output;
    }

    private static void ReadTable(ChannelMemory channel, int map, RecordingOutput output)
    {
        MapDefinition definition = channel.Layout.Maps[map];
        int keyWords = definition.KeySize / 8;
        for (int i = 0; i < definition.Capacity; i++)
        {
            long entry = channel.Layout.TableOffset(map) + ((long)i * channel.Layout.EntrySize(map));
            if (channel.Read(entry) == 0)
                continue;

            ulong[] key = Words(channel, entry + 8, keyWords);
            Assert.Equal(KeyHash.StateOf(key) | 3, channel.Read(entry));
            output.SetCell(map, key, Words(channel, entry + 8 + definition.KeySize, definition.CellWords));
        }
    }

    private static void ReadCells(ChannelMemory channel, int map, int probe, RecordingOutput output)
    {
        int words = channel.Layout.Maps[map].CellWords;
        foreach (ChannelThread thread in ChannelThreads.Read(channel))
        {
            long cells = ChannelThreads.RecordOffset(channel.Layout, thread.Slot) + channel.Layout.CellsOffset(map);
            output.SetCell(map, [], Words(channel, cells + (8L * words * probe), words));
        }
    }

    private static void ReadEvents(ChannelMemory channel, ProgramGroup group, RecordingOutput output)
    {
        Copier copier = new(output);
        RingReader reader = new(channel, group.Events);
        reader.Drain(ref copier);
        Assert.Empty(reader.Faults);
        Assert.Equal((0, 0), (reader.Corrupt, reader.Unfinished));
    }

    private static ulong[] Words(ChannelMemory channel, long offset, int count) =>
        [.. Enumerable.Range(0, count).Select(i => channel.Read(offset + (8L * i)))];

    private readonly struct Copier(RecordingOutput output) : IEventVisitor
    {
        public void Visit(in EventView view) => output.Emit(view.Number, view.Words);
    }
}
