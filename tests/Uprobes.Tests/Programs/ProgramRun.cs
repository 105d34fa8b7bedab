using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.Tests.Programs;

/// <summary>Runs small programs that tests write out, checked first.</summary>
internal static class ProgramRun
{
    private static readonly SyntheticMemory EmptyMemory = new(new([]));

    /// <summary>A hit with zeros everywhere but in what a test sets.</summary>
    internal static SyntheticContext Hit { get; } = SyntheticContext.Choose(new([]), EmptyMemory, 1) with
    {
        Registers = new ulong[16],
        EntryWords = new ulong[6],
    };

    /// <summary>The value of an expression in an entry program.</summary>
    internal static long Value(Expression expression, IProgramContext? context = null) => (long)Event(expression, context).Fields[0];

    /// <summary>What an event with one field of an expression's value holds, and the failed reads.</summary>
    internal static (ulong[] Fields, int FailedReads) Event(Expression expression, IProgramContext? context = null)
    {
        RecordingOutput output = Run(
            new ProgramGroup { Entry = new([new Emit(0, [expression])], []), Events = [new("value", [expression.Type])] }, context);
        return (output.Events[0].Fields, output.FailedReads);
    }

    /// <summary>What an entry program does.</summary>
    internal static RecordingOutput Run(ProgramGroup group, IProgramContext? context = null)
    {
        Assert.Empty(ProgramChecker.Check(group));
        RecordingOutput output = new(group);
        new Interpreter().Run(group.Entry, context ?? Hit, output);
        return output;
    }

    /// <summary>What an entry program of some statements does that has a local of type I32 and one of U8, and a map of each kind of value.</summary>
    internal static RecordingOutput Run(params Statement[] body) => Run(Group(body));

    /// <summary>Map 0 counts without a key, map 1 has values of I64 for keys of U64, map 2 sums U64 for keys of text8; event 0 has a U64.</summary>
    internal static ProgramGroup Group(params Statement[] body) => new()
    {
        Entry = new(body, [DataType.I32, DataType.U8]),
        Return = new([], []),
        Maps =
        [
            new("count", AggregateKind.Count, DataType.U64, [], 1),
            new("values", AggregateKind.Value, DataType.I64, [DataType.U64], 64),
            new("sums", AggregateKind.Sum, DataType.U64, [DataType.Text(8)], 64),
        ],
        Events = [new("seen", [DataType.U64])],
    };

    internal static Constant U64(ulong value) => new((long)value, DataType.U64);

    internal static Constant I64(long value) => new(value, DataType.I64);

    internal static Constant I32(int value) => new(value, DataType.I32);
}
