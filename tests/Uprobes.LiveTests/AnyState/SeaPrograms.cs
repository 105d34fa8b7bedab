using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.LiveTests.AnyState;

/// <summary>Programs for sites at which registers hold anything: map 0 of each counts its hits.</summary>
internal static class SeaPrograms
{
    private const int Rsp = 4, Rsi = 6, Rdi = 7, R15 = 15;

    private static readonly MapDefinition Hits = new("hits", AggregateKind.Count, DataType.U64, [], 1);

    private static readonly Aggregate CountHit = new(0, [], null);

    internal static ProgramGroup Count { get; } = new() { Entry = new ProbeProgram([CountHit], []), Maps = [Hits] };

    internal static ProgramGroup Histograms { get; } = new()
    {
        Entry = new ProbeProgram(
            [CountHit, new Aggregate(1, [], new RegisterValue(Rdi)), new Aggregate(2, [], new Cast(new RegisterValue(R15), DataType.I16)), new Aggregate(3, [], new RegisterValue(Rsp))], []),
        Maps =
        [
            Hits,
            new MapDefinition("rdi", AggregateKind.LogHistogram, DataType.U64, [], 1),
            new MapDefinition("r15", AggregateKind.LinearHistogram, DataType.I16, [], 1, new LinearSteps(-20000, 20000, 1000)),
            new MapDefinition("rsp", AggregateKind.Statistics, DataType.U64, [], 1),
        ],
    };

    /// <summary>Events with what wild pointers lead to.</summary>
    internal static ProgramGroup Events { get; } = new()
    {
        Entry = new ProbeProgram([CountHit, new Emit(0,
            [
                new Builtin(BuiltinKind.ThreadId), new Builtin(BuiltinKind.Timestamp), .. Enumerable.Range(0, 16).Select(r => new RegisterValue(r)),
                new Load(new RegisterValue(Rdi), DataType.U32), new Load(new RegisterValue(Rsp), DataType.U64), new LoadText(new RegisterValue(Rsi), 64),
            ])], []),
        Maps = [Hits],
        Events = [new EventDefinition("state", [DataType.U32, DataType.I64, .. Enumerable.Repeat(DataType.U64, 16), DataType.U32, DataType.U64, DataType.Text(64)])],
    };

    /// <summary>A key of a text and a number from wild pointers, and one of what is on the stack.</summary>
    internal static ProgramGroup Keyed { get; } = new()
    {
        Entry = new ProbeProgram(
            [
                CountHit,
                new Aggregate(1, [new LoadText(new RegisterValue(Rsi), 32), new Load(new RegisterValue(Rdi), DataType.U64)], null),
                new Aggregate(2, [new LoadText(new RegisterValue(Rsp), 64), new Cast(new RegisterValue(0), DataType.U8)], new RegisterValue(3)),
            ],
            []),
        Maps =
        [
            Hits,
            new MapDefinition("wild", AggregateKind.Count, DataType.U64, [DataType.Text(32), DataType.U64], 256),
            new MapDefinition("stack", AggregateKind.Statistics, DataType.U64, [DataType.Text(64), DataType.U8], 4096),
        ],
    };
}

/// <summary>Takes events and forgets them.</summary>
internal sealed class EventCounter : IQueryEvents
{
    private readonly TaskCompletionSource<Exception?> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _taken;

    internal long Taken => Interlocked.Read(ref _taken);

    public void Accept(EventRecord record, long timestamp, int processId) => Interlocked.Increment(ref _taken);

    public void Complete(Exception? error) => _completion.TrySetResult(error);
}
