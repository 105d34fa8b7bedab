using Uprobes.Arming.Inline;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>Programs for tests.</summary>
internal static class InlineKit
{
    internal static ProgramRun CountRun(int probes) => new(
        new ProgramGroup
        {
            Entry = new ProbeProgram([new Aggregate(0, [], null)], []),
            Maps = [new MapDefinition("@", AggregateKind.Count, DataType.U64, [], 1)],
        },
        probes);

    internal static ProbeRequest Count(ProgramRun run, int probe, ProbePoint point, Action<Arming.Trap.HitContext>? trapped = null) => new(point)
    {
        Program = new ConsumerCallbacks { Program = new ProgramBinding(run, probe, new ProgramSwitch()), Pre = trapped },
    };

    /// <summary>What all threads of all processes have counted at all probes.</summary>
    internal static ulong Total(ProgramRun run) => Totals(run).Aggregate(0ul, (a, b) => a + b);

    /// <summary>What they have counted at each probe.</summary>
    internal static ulong[] Totals(ProgramRun run)
    {
        ulong[] totals = new ulong[run.Probes];
        foreach (ProcessChannel channel in run.Channels)
            Add(channel.Memory, totals);
        return totals;
    }

    private static void Add(ChannelMemory memory, ulong[] totals)
    {
        ChannelLayout layout = memory.Layout;
        for (int slot = 0; slot < layout.ThreadSlots; slot++)
        {
            if (memory.Read(ChannelLayout.ThreadTableOffset + (slot * ChannelLayout.ThreadSlotSize)) == 0)
                continue;
            for (int probe = 0; probe < layout.Probes; probe++)
                totals[probe] += memory.Read(layout.RecordsOffset + ((long)slot * layout.RecordStride) + layout.CellsOffset(0) + (8 * probe));
        }
    }

    /// <summary>Counts entries and returns, and sums of what was kept of the arguments and the lower half of the results.</summary>
    internal static ProgramGroup Calls() => new()
    {
        Entry = new ProbeProgram([new Aggregate(0, [], null), new FollowCall([new Argument(0)])], []),
        Return = new ProbeProgram(
            [
                new Aggregate(1, [], null),
                new Aggregate(2, [], new Binary(BinaryOperator.Add, new Cast(new Cast(new EntryWord(0), DataType.U16), DataType.U64), new Cast(new Cast(new ReturnValue(), DataType.U16), DataType.U64))),
            ],
            []),
        Maps =
        [
            new MapDefinition("entries", AggregateKind.Count, DataType.U64, [], 1),
            new MapDefinition("returns", AggregateKind.Count, DataType.U64, [], 1),
            new MapDefinition("sum", AggregateKind.Sum, DataType.U64, [], 1),
        ],
    };
}
