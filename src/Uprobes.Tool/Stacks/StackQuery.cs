using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Tool.Filters;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.Stacks;

/// <summary>
/// The program of the commands that look at stacks: it counts every call that is wanted, and sends the stack of each, or of one of so many that
/// chance picks.
/// <code>
/// event       probe, value, what <see cref="StackCapture"/> sends
/// </code>
/// </summary>
internal sealed class StackQuery
{
    /// <summary>The map that counts the calls that are wanted: all of them, also those whose event is lost.</summary>
    internal const int Calls = 0;

    /// <summary>The fields of the event.</summary>
    internal const int ProbeField = 0, ValueField = 1, FirstStackField = 2;

    /// <summary>What of a stack is sent of few frames, and otherwise.</summary>
    internal const int FewFrames = 8, BytesOfFew = 4096, UsualBytes = 8192;

    // A stack takes thousands of bytes, and many come before the reader has its turn.
    private const int RingBytes = 16 << 20;

    /// <summary>Makes the program.</summary>
    /// <param name="condition">That of <c>--where</c>, or null.</param>
    /// <param name="value">What is summed up instead of calls, or null.</param>
    /// <param name="frames">How many frames are wanted at most.</param>
    /// <param name="oneOf">Of how many calls one is looked at; 1 for each.</param>
    /// <exception cref="FilterException">The condition or the value means nothing.</exception>
    /// <exception cref="ToolException">They need the return.</exception>
    internal StackQuery(string? condition, string? value, int frames, int oneOf)
    {
        var query = new CallQuery(condition, value);
        if (query.IsReturn)
        {
            throw ToolException.Usage("the stack is that of the call's entry, where its result and its duration are not known yet",
                "leave retval and duration out of --where and --by");
        }

        (Value, OneOf) = (value, oneOf);
        Expression[] fields =
        [
            new Builtin(BuiltinKind.ProbeIndex),
            query.Value ?? new Constant(1, DataType.U64),
            .. StackCapture.Fields(frames <= FewFrames ? BytesOfFew : UsualBytes),
        ];
        Statement emit = new Emit(0, fields);
        Statement[] work = [new Aggregate(Calls, [], null), oneOf == 1 ? emit : new If(IsPicked(oneOf), [emit], [])];
        Group = query.Build(work) with
        {
            Maps = [new MapDefinition("calls", AggregateKind.Count, DataType.U64, [], 1)],
            Events = [new EventDefinition("stack", [.. fields.Select(f => f.Type)])],
            RingBytes = RingBytes,
        };
    }

    /// <summary>The program.</summary>
    internal ProgramGroup Group { get; }

    /// <summary>What is summed up, as the user wrote it; null where calls are counted.</summary>
    internal string? Value { get; }

    /// <summary>Of how many calls one is looked at.</summary>
    internal int OneOf { get; }

    /// <summary>
    /// True for one call of so many. The time decides, stirred by a multiplication: it needs no memory that threads share, and no pattern of calls
    /// keeps in step with it.
    /// </summary>
    private static Binary IsPicked(int oneOf)
    {
        const long Golden = unchecked((long)0x9E37_79B9_7F4A_7C15);
        Expression stirred = new Binary(BinaryOperator.Multiply, new Cast(new Builtin(BuiltinKind.Timestamp), DataType.U64), new Constant(Golden, DataType.U64));
        Expression upper = new Binary(BinaryOperator.ShiftRight, stirred, new Constant(32, DataType.U64));
        return new Binary(BinaryOperator.Equal, new Binary(BinaryOperator.Remainder, upper, new Constant(oneOf, DataType.U64)), new Constant(0, DataType.U64));
    }
}
