using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Output;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Does what programs have left to the reader, event by event.</summary>
/// <param name="lowered">The script's programs.</param>
/// <param name="sites">The places, by their numbers.</param>
/// <param name="interpreter">Does it; nobody else's.</param>
/// <param name="script">The script.</param>
/// <param name="host">The run.</param>
internal sealed class EventActions(LoweredScript lowered, IReadOnlyList<ScriptSite> sites, ScriptInterpreter interpreter, TypedScript script, IActionHost host) : IQueryEvents
{
    private readonly ActionOccasion[] _occasions = [.. sites.Select(site => new ActionOccasion
    {
        Probe = site.Name, ProbeType = site.AttachPoint.TypeName, Function = site.Function, Site = site,
    })];

    private readonly TypedProbe[] _actions = [.. lowered.Events.Select(e => new TypedProbe(
        [], null, new BlockStatement([e.Action], e.Action.Span), [], e.Action.Span))];

    private bool _hasExited;

    /// <summary>What ended the reading early; null for nothing.</summary>
    internal Exception? Error { get; private set; }

    public void Accept(EventRecord record, long timestamp, int processId)
    {
        // The target may say anything.
        long place = record.Integer(LoweredEvent.PlaceField);
        if (place < 0 || place >= _occasions.Length || _hasExited)
            return;
        LoweredEvent sent = lowered.Events[record.Number];
        ScriptValue[] fields = new ScriptValue[sent.Fields.Count];
        int field = LoweredEvent.FirstField;
        for (int i = 0; i < fields.Length; i++)
        {
            fields[i] = sent.Fields[i].Type is StackType type ? ScriptValue.Stack(host.Symbols.StackOf(processId, timestamp, StackCapture.Read(record, field, sites[(int)place] is { IsEntry: true, IsReturn: false }), type)) : Decode(record, field, sent.Fields[i]);
            field += sent.Fields[i].Width;
        }

        ActionOccasion occasion = _occasions[place];
        (occasion.Fields, occasion.ProcessId, occasion.Timestamp) = (fields, processId, timestamp);
        interpreter.Run(_actions[record.Number], occasion);

        // What happened before the end of the run is still told, what happened behind an exit() is not.
        _hasExited = sent.Action is ExpressionStatement { Expression: CallExpression { Function: ScriptFunction.Exit or ScriptFunction.Assert or ScriptFunction.Fail } };
    }

    public void Complete(Exception? error) => Error = error;

    private ScriptValue Decode(EventRecord record, int field, LoweredField described) => described.Type switch
    {
        TextType => Text(Bytes(record, field, described.MostBytes)),
        BufferType => ScriptValue.Buffer(Bytes(record, field, described.MostBytes)),
        StructType or ArrayType => interpreter.OfBytes(Bytes(record, field, described.MostBytes), described.MostBytes, described.Type),
        var type => TypedValue.OfBits(record.Integer(field), type, script.Types),
    };

    /// <summary>An array of characters comes whole, what follows its zero too.</summary>
    private static ScriptValue Text(byte[] bytes) => ScriptValue.String(bytes, 0, Array.IndexOf(bytes, (byte)0) is >= 0 and var end ? end : bytes.Length);

    private static byte[] Bytes(EventRecord record, int field, int most)
    {
        ReadOnlySpan<byte> bytes = record.Text(field);
        return bytes[..Math.Min(bytes.Length, most)].ToArray();
    }
}
