using Uprobes.Arming.Inline;
using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.LiveTests.Inline;

/// <summary>What is done on a hit.</summary>
public enum ProgramKind
{
    /// <summary>The shortest program.</summary>
    Count,

    /// <summary>A histogram of the first argument.</summary>
    Histogram,

    /// <summary>Counts by probe and by bits of the first argument.</summary>
    Keyed,

    /// <summary>An event with texts and integers at addresses where there may be nothing.</summary>
    Event,

    /// <summary>A count, after 200 rounds of a loop.</summary>
    Loop,
}

/// <summary>Programs of each kind, and how many hits they have seen.</summary>
internal sealed class KindRun : IDisposable
{
    private readonly ProgramKind _kind;
    private readonly Dictionary<ProcessChannel, RingReader> _readers = [];
    private readonly ulong[] _events;

    internal KindRun(ProgramKind kind, int probes)
    {
        _kind = kind;
        _events = new ulong[probes];
        Run = new ProgramRun(GroupOf(kind), probes);
    }

    internal ProgramRun Run { get; }

    /// <summary>Hits of each probe; events that were lost are none.</summary>
    internal ulong[] Hits()
    {
        if (_kind == ProgramKind.Event)
            return ReadEvents();
        ulong[] hits = new ulong[Run.Probes];
        if (Run.Channels.Count == 0)
            return hits;
        foreach ((MapKey key, AggregateValue value) in MapReader.Read([.. Run.Channels.Select(c => c.Memory)], 0).Rows)
            hits[_kind == ProgramKind.Keyed ? key.Integer(0) : key.Probe] += value.Count;
        return hits;
    }

    /// <summary>Hits of all probes, with those whose events were lost.</summary>
    internal ulong Total() => Hits().Aggregate(0ul, (a, b) => a + b) + Lost();

    /// <summary>What could not be recorded.</summary>
    internal ulong Lost() => Run.Channels.Select(c => ChannelLosses.Read(c.Memory))
        .Aggregate(0ul, (sum, l) => sum + l.Events + l.Keys + l.Threads + l.Other);

    public void Dispose() => Run.Dispose();

    private ulong[] ReadEvents()
    {
        foreach (ProcessChannel channel in Run.Channels)
        {
            if (!_readers.TryGetValue(channel, out RingReader? reader))
                _readers.Add(channel, reader = new RingReader(channel.Memory, Run.Group.Events));
            foreach (EventRecord record in reader.Drain())
            {
                _events[record.Integer(0)]++;
                Threads.Add(record.ThreadId);
            }
        }

        return [.. _events];
    }

    /// <summary>The threads that events came from.</summary>
    internal HashSet<int> Threads { get; } = [];

    internal static ProgramGroup GroupOf(ProgramKind kind) => kind switch
    {
        ProgramKind.Count => WithMap(new MapDefinition("@", AggregateKind.Count, DataType.U64, [], 1), new Aggregate(0, [], null)),
        ProgramKind.Histogram => WithMap(new MapDefinition("@", AggregateKind.LogHistogram, DataType.U64, [], 1), new Aggregate(0, [], new Argument(0))),
        ProgramKind.Keyed => WithMap(new MapDefinition("@", AggregateKind.Count, DataType.U64, [DataType.U32, DataType.U64], 1 << 16),
            new Aggregate(0, [new Builtin(BuiltinKind.ProbeIndex), new Binary(BinaryOperator.And, new Argument(0), new Constant(7, DataType.U64))], null)),
        ProgramKind.Loop => WithMap(new MapDefinition("@", AggregateKind.Count, DataType.U64, [], 1), LoopOf(200), new Aggregate(0, [], null)),
        _ => new ProgramGroup
        {
            Entry = new ProbeProgram([new Emit(0, [new Builtin(BuiltinKind.ProbeIndex), new Load(new Argument(0), DataType.U64), new LoadText(new Argument(1), 64),
                new Load(new Constant(16, DataType.U64), DataType.I32)])], []),
            Events = [new EventDefinition("hit", [DataType.U32, DataType.U64, DataType.Text(64), DataType.I32])],
            RingBytes = 1 << 20,
        },
    };

    /// <summary>A loop that counts its rounds with local 0.</summary>
    internal static Loop LoopOf(ulong rounds)
    {
        LocalValue count = new(0, DataType.U64);
        return new([
            new If(new Binary(BinaryOperator.Equal, count, new Constant((long)rounds, DataType.U64)), [new Break()], []),
            new SetLocal(0, new Binary(BinaryOperator.Add, count, new Constant(1, DataType.U64))),
        ], []);
    }

    private static ProgramGroup WithMap(MapDefinition map, params Statement[] body) =>
        new() { Entry = new ProbeProgram(body, [DataType.U64]), Maps = [map] };
}
