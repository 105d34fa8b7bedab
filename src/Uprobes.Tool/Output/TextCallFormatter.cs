using System.Buffers;
using System.Globalization;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Events;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Output;

/// <summary>
/// Calls as lines for people: seconds since the start, process/thread, function and arguments; with returns also the
/// return value and the time from entry to return.
/// </summary>
internal sealed class TextCallFormatter(
    IReadOnlyList<PlannedProbe> probes, PayloadLayout layout, bool withReturns, long startNanoseconds, TextStyle style) : ICallFormatter
{
    private const long NanosecondsPerMicrosecond = 1000;
    private const int IntegerDigits = 4;
    private long? _start;
    private readonly string[] _names = [.. probes.Select(p => Escaping.Text(p.Function))];

    /// <inheritdoc/>
    public void Write(ArrayBufferWriter<byte> output, in CallRecord call, ReadOnlySpan<byte> payload)
    {
        output.WriteText(style.Time);
        _start ??= Math.Min(startNanoseconds, call.TimeNanoseconds); // A running process may have been hit while the other probes were armed.
        WriteTime(output, call.TimeNanoseconds - _start.Value);
        output.WriteText(style.Reset);
        output.WriteText(" ");
        output.WriteNumber(call.ProcessId);
        output.WriteText("/");
        output.WriteNumber(call.ThreadId);
        output.WriteText(" ");
        output.WriteText(style.Function);
        output.WriteText(_names[call.Probe]);
        output.WriteText(style.Reset);
        output.WriteText("(");
        for (var i = 0; i < layout.Format.Arguments.Count; i++)
        {
            if (i != 0)
                output.WriteText(", ");
            WriteValue(output, layout.Format.Arguments[i], PayloadLayout.Argument(payload, i), payload, i);
        }
        output.WriteText(")");
        if (withReturns)
        {
            output.WriteText(" = ");
            output.WriteText(style.Result);
            WriteValue(output, layout.Format.Result, call.Result, payload, layout.ResultIndex);
            output.WriteText(style.Reset);
            output.WriteText(" <");
            WriteDuration(output, call.DurationNanoseconds);
            output.WriteText(">");
        }
        output.WriteText("\n");
    }

    /// <inheritdoc/>
    public bool WriteLost(ArrayBufferWriter<byte> output, long count) => false;

    /// <summary>Seconds with microseconds, right-aligned so that the first hours stay in one column.</summary>
    internal static void WriteTime(ArrayBufferWriter<byte> output, long nanoseconds)
    {
        // A call that returns later may have begun before the first.
        var microseconds = Math.Max(0, nanoseconds) / NanosecondsPerMicrosecond;
        var seconds = microseconds / 1_000_000;
        for (long padding = 10; padding < Math.Pow(10, IntegerDigits); padding *= 10)
        {
            if (seconds < padding)
                output.WriteText(" ");
        }
        output.WriteNumber(seconds);
        output.WriteText(".");
        output.WriteNumber(microseconds % 1_000_000, "000000");
    }

    /// <summary>A duration with one decimal, in the unit that suits it.</summary>
    internal static void WriteDuration(ArrayBufferWriter<byte> output, long nanoseconds)
    {
        var (value, unit) = nanoseconds switch
        {
            < 999_950 => (nanoseconds / 1e3, " us"),
            < 999_950_000 => (nanoseconds / 1e6, " ms"),
            _ => (nanoseconds / 1e9, " s"),
        };
        output.WriteText(value.ToString("0.0", CultureInfo.InvariantCulture));
        output.WriteText(unit);
    }

    private void WriteValue(ArrayBufferWriter<byte> output, ValueKind kind, ulong value, ReadOnlySpan<byte> payload, int index)
    {
        switch (kind)
        {
            case ValueKind.Signed:
                output.WriteNumber((long)value);
                break;
            case ValueKind.SignedInt:
                output.WriteNumber((int)(uint)value);
                break;
            case ValueKind.Unsigned:
                output.WriteNumber(value);
                break;
            case ValueKind.Boolean:
                output.WriteText((byte)value != 0 ? "true" : "false");
                break;
            case ValueKind.Character:
                Escaping.WriteCharacter(output, (byte)value);
                break;
            case ValueKind.Text:
                WriteString(output, value, payload, index);
                break;
            case ValueKind.Pointer when value == 0:
                output.WriteText("NULL");
                break;
            default:
                output.WriteText("0x");
                output.WriteNumber(value, "x");
                break;
        }
    }

    private void WriteString(ArrayBufferWriter<byte> output, ulong address, ReadOnlySpan<byte> payload, int index)
    {
        var text = layout.Text(payload, index, out var state);
        switch (state)
        {
            case TextState.Null:
                output.WriteText("NULL");
                break;
            case TextState.Unreadable:
                output.WriteText("<unreadable 0x");
                output.WriteNumber(address, "x");
                output.WriteText(">");
                break;
            default:
                Escaping.WriteQuoted(output, text);
                if (state == TextState.Shortened)
                    output.WriteText("...");
                break;
        }
    }
}
