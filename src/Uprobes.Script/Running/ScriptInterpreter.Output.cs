using System.Buffers;
using System.Text;
using Uprobes.Linux;
using Uprobes.Script.Output;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <content>Functions that write. What they show is taken when they are called, and written when its turn comes.</content>
internal sealed partial class ScriptInterpreter
{
    /// <summary>Texts that join() writes at most.</summary>
    internal const int MostJoined = 16;

    private readonly Dictionary<CallExpression, PrintfFormat> _formats = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<CallExpression, TimeFormat> _timeFormats = new(ReferenceEqualityComparer.Instance);

    private void Write(CallExpression call)
    {
        switch (call.Function)
        {
            case ScriptFunction.Print:
                Print(call);
                return;
            case ScriptFunction.Time:
                TimeFormat time = call.Arguments.Count == 0 ? TimeFormat.Default : Cached(call, _timeFormats, text => TimeFormat.Parse(text));
                long now = SystemClocks.RealNanoseconds;
                host.Post(writer => writer.Time(time, now));
                return;
            case ScriptFunction.Join:
                Join(call);
                return;
            case ScriptFunction.JoinOf:
                byte[] between = ((TextConstantExpression)call.Arguments[0]).Bytes.ToArray();
                ScriptValue[] texts = [.. call.Arguments.Skip(2).Take((int)Number(call.Arguments[1])).Select(Evaluate)];
                host.Post(writer => writer.Join(texts, between));
                return;
            case ScriptFunction.Assert:
                if (Number(call.Arguments[0]) == 0)
                    Refuse(call, PrintfFormat.Parse("%s"), [ScriptValue.Literal(ConstantText(call.Arguments[1]))]);
                return;
        }

        PrintfFormat format = Cached(call, _formats, text => PrintfFormat.Parse(text));
        ScriptValue[] values = [.. call.Arguments.Skip(1).Select(Shown)];
        switch (call.Function)
        {
            case ScriptFunction.Printf:
                host.Post(writer => writer.Printf(format, values));
                break;
            case ScriptFunction.Errorf or ScriptFunction.Warnf:
                ScriptSeverity severity = call.Function == ScriptFunction.Errorf ? ScriptSeverity.Error : ScriptSeverity.Warning;
                ScriptLocation location = host.Locate(call.Span);
                host.Post(writer => writer.Message(severity, format, values, location));
                break;
            case ScriptFunction.Cat:
                FileContents file = new(Formatted(format, values), script.Options.MaxCatBytes, host.Locate(call.Span));
                host.Post(file.WriteTo);
                break;
            case ScriptFunction.System:
                ShellCommand command = new(Formatted(format, values), host.Locate(call.Span));
                host.Post(command.WriteTo);
                break;
            default:
                Refuse(call, format, values);
                break;
        }
    }

    /// <summary>Tells why the script does not go on, and ends the run.</summary>
    private void Refuse(CallExpression call, PrintfFormat format, ScriptValue[] values)
    {
        ScriptLocation location = host.Locate(call.Span);
        host.Post(writer => writer.Message(ScriptSeverity.Error, format, values, location));
        host.Exit(1);
        _flow = Flow.Return;
    }

    private void Print(CallExpression call)
    {
        if (call.Arguments[0] is MapReferenceExpression reference)
        {
            ScriptMap map = MapOf(reference.Map).Snapshot();
            int top = call.Arguments.Count > 1 ? (int)Math.Min(Number(call.Arguments[1]), int.MaxValue) : 0;
            ulong divisor = call.Arguments.Count > 2 ? (ulong)Number(call.Arguments[2]) : 0;
            host.Post(writer => writer.Map(map, top, divisor));
            return;
        }

        ScriptValue value = Shown(call.Arguments[0]);
        host.Post(writer => writer.Value(value));
    }

    private void Join(CallExpression call)
    {
        byte[] separator = call.Arguments.Count > 1 ? ((TextConstantExpression)call.Arguments[1]).Bytes.ToArray() : " "u8.ToArray();
        ulong array = (ulong)BitsOf(call.Arguments[0]);
        List<ScriptValue> parts = [];
        byte[] word = new byte[sizeof(ulong)];
        while (parts.Count < MostJoined && TryRead(array + (ulong)(parts.Count * sizeof(ulong)), word, call.Span) && BitConverter.ToUInt64(word) is not 0 and var text)
            parts.Add(ReadText(text, script.Options.MaxStringLength, call.Span));
        ScriptValue[] joined = [.. parts];
        host.Post(writer => writer.Join(joined, separator));
    }

    /// <summary>A value as it is shown: contents of structs and arrays, not where they are; a text that was cut with the mark of that.</summary>
    private ScriptValue Shown(TypedExpression expression)
    {
        ScriptValue value = Materialize(Evaluate(expression), expression.Type, expression.Span);
        bool isCut = value.Kind == ScriptValueKind.String && !value.IsTrusted && value.Bytes.Length == script.Options.MaxStringLength - 1;
        return isCut ? ScriptValue.String([.. value.Bytes, .. Encoding.UTF8.GetBytes(script.Options.TruncationTrailer)]) : value;
    }

    private static string Formatted(PrintfFormat format, ScriptValue[] values)
    {
        ArrayBufferWriter<byte> text = new();
        format.Write(text, values);
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    /// <summary>The format in a call's first argument, taken apart the first time.</summary>
    private static T Cached<T>(CallExpression call, Dictionary<CallExpression, T> formats, Func<string, T> parse)
    {
        if (!formats.TryGetValue(call, out T? format))
            formats.Add(call, format = parse(ConstantText(call.Arguments[0])));
        return format;
    }
}
