using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Filters;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Queries;

/// <summary>
/// The programs of trace, and what their events carry. A call is one event: sent at its entry, or with returns at its return, with the
/// arguments kept from the entry. Where these are too many, or strings, which have to be read at the entry, the entry sends them in an event of
/// its own, and the return one that belongs to it.
/// <code>
/// without returns       probe, arguments, strings
/// with returns          probe, duration, result, string of the result, arguments
/// entry of its own      probe, entry time, arguments, strings
/// return to it          probe, duration, result, string of the result, entry time, whether the call is wanted
/// </code>
/// </summary>
internal sealed class TraceQuery
{
    /// <summary>The fields that all events with a result begin with.</summary>
    internal const int ProbeField = 0, DurationField = 1, ResultField = 2;

    /// <summary>Numbers of the events where entries have one of their own.</summary>
    internal const int EntryEvent = 0, ReturnEvent = 1;

    private const int TextAlignment = 8, UsualRing = 1 << 20, LargestRing = 1 << 28, EventsOfUsualRing = 16384;
    private static readonly Builtin Probe = new(BuiltinKind.ProbeIndex), Duration = new(BuiltinKind.Duration), Now = new(BuiltinKind.Timestamp);
    private readonly ArgumentFormat _format;
    private readonly int _textCapacity;

    /// <summary>Makes the programs.</summary>
    /// <param name="format">Which values are shown.</param>
    /// <param name="withReturns">Whether returns are.</param>
    /// <param name="textBytes">The longest string shown.</param>
    /// <param name="condition">That of <c>--where</c>, or null.</param>
    /// <param name="bufferedEvents">How many calls should find room while nobody reads.</param>
    /// <exception cref="FilterException">The condition means nothing.</exception>
    /// <exception cref="ToolException">It needs more than can be kept of a call.</exception>
    internal TraceQuery(ArgumentFormat format, bool withReturns, int textBytes, string? condition, int bufferedEvents)
    {
        _format = format;
        _textCapacity = (textBytes + TextAlignment - 1) / TextAlignment * TextAlignment;
        var count = format.Arguments.Count;
        WithReturns = withReturns || (condition is not null && FilterExpression.NeedsReturn(condition));
        int[] shown = [.. Enumerable.Range(0, count)];
        var keptWords = condition is not null && FilterExpression.NeedsReturn(condition) ? shown.Union(FilterExpression.ArgumentsIn(condition)).Count() : count;
        IsSplit = WithReturns && (keptWords > ProgramLimits.FollowWords || format.Arguments.Contains(ValueKind.Text));
        var query = new CallQuery(condition, followsReturns: WithReturns, keep: IsSplit ? null : shown);
        Group = (!WithReturns ? Entries(query) : IsSplit ? Split(query) : Returns(query)) with { RingBytes = RingBytesFor(bufferedEvents) };
    }

    /// <summary>The programs.</summary>
    internal ProgramGroup Group { get; }

    /// <summary>Whether events have a result and a duration.</summary>
    internal bool WithReturns { get; }

    /// <summary>Whether entries have an event of their own.</summary>
    internal bool IsSplit { get; }

    /// <summary>Whether the result has a string.</summary>
    internal bool HasResultText => WithReturns && _format.Result == ValueKind.Text;

    /// <summary>The field of the result's string.</summary>
    internal static int ResultTextField => ResultField + 1;

    /// <summary>The field behind the result.</summary>
    internal int AfterResult => HasResultText ? ResultTextField + 1 : ResultField + 1;

    /// <summary>The field of the first argument, in the event that has them.</summary>
    internal int FirstArgument => !WithReturns ? ProbeField + 1 : IsSplit ? EntryKeyField + 1 : AfterResult;

    /// <summary>The field of an entry's time, by which its return finds it.</summary>
    internal static int EntryKeyField => ProbeField + 1;

    /// <summary>The same in the return's event.</summary>
    internal int ReturnKeyField => AfterResult;

    /// <summary>Whether the condition held at the return, in the return's event.</summary>
    internal int WantedField => AfterResult + 1;

    private ProgramGroup Entries(CallQuery query)
    {
        Expression[] fields = [Probe, .. Arguments(), .. ArgumentTexts()];
        return query.Build([new Emit(EntryEvent, fields)]) with { Events = [Event("call", fields)] };
    }

    private ProgramGroup Returns(CallQuery query)
    {
        Expression[] fields = [Probe, Duration, .. Result(), .. Enumerable.Range(0, _format.Arguments.Count).Select(i => new EntryWord(query.Kept.Index().First(k => k.Item == i).Index))];
        return query.Build([new Emit(EntryEvent, fields)]) with { Events = [Event("call", fields)] };
    }

    private ProgramGroup Split(CallQuery query)
    {
        if (query.Kept.Count >= ProgramLimits.FollowWords)
        {
            throw ToolException.Usage($"--where uses {query.Kept.Count} arguments at the return, where {ProgramLimits.FollowWords - 1} can be kept beside those that are shown",
                "show fewer arguments (--args), or none as strings");
        }

        LocalValue time = new(0, Now.Type);
        Expression[] entry = [Probe, time, .. Arguments(), .. ArgumentTexts()];
        Expression wanted = query.DecidesAtReturn
            ? new Unary(UnaryOperator.Not, new Unary(UnaryOperator.Not, query.Condition!))
            : new Constant(1, DataType.Boolean);
        Expression[] atReturn = [Probe, Duration, .. Result(), new EntryWord(query.Kept.Count), wanted];
        Statement[] begin =
        [
            new SetLocal(0, Now),
            new Emit(EntryEvent, entry),
            new FollowCall([.. query.Kept.Select(i => new Argument(i)), time]),
        ];
        return new ProgramGroup
        {
            Entry = new ProbeProgram(query.DecidesAtReturn ? begin : query.Guarded(begin), [time.Type]),
            Return = new ProbeProgram([new Emit(ReturnEvent, atReturn)], []),
            Events = [Event("entry", entry), Event("return", atReturn)],
        };
    }

    private IEnumerable<Expression> Arguments() => Enumerable.Range(0, _format.Arguments.Count).Select(i => new Argument(i));

    private IEnumerable<Expression> ArgumentTexts() =>
        Enumerable.Range(0, _format.Arguments.Count).Where(i => _format.Arguments[i] == ValueKind.Text).Select(i => new LoadText(new Argument(i), _textCapacity));

    private IEnumerable<Expression> Result() =>
        _format.Result == ValueKind.Text ? [new ReturnValue(), new LoadText(new ReturnValue(), _textCapacity)] : [new ReturnValue()];

    private static EventDefinition Event(string name, IReadOnlyList<Expression> fields) => new(name, [.. fields.Select(f => f.Type)]);

    /// <summary>A thread fills its ring whole before it begins anew, so that all of it takes memory: the usual size, unless more calls are to find room.</summary>
    private static int RingBytesFor(int bufferedEvents)
    {
        var ring = UsualRing;
        for (long events = EventsOfUsualRing * 4; events < bufferedEvents && ring < LargestRing; events *= 2)
            ring *= 2;
        return ring;
    }
}
