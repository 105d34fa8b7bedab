using System.Buffers;
using System.Text;
using System.Text.Json;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Events;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Output;

/// <summary>
/// Calls as JSON objects. Integers are exact, also beyond 2^53; <c>ret</c> and <c>duration_ns</c> are absent, not null,
/// where returns are not traced. A string that was cut ends in an ellipsis, one that could not be read is null.
/// </summary>
internal sealed class JsonCallFormatter(IReadOnlyList<PlannedProbe> probes, PayloadLayout layout, bool withReturns) : ICallFormatter, IDisposable
{
    private readonly JsonLines _lines = new();

    // Names are quoted once, not for every call.
    private readonly (string Image, string Function)[] _names =
        [.. probes.Select(p => (JsonText.Quote(p.ImagePath), JsonText.Quote(p.Function)))];

    /// <inheritdoc/>
    public void Write(ArrayBufferWriter<byte> output, in CallRecord call, ReadOnlySpan<byte> payload)
    {
        var (image, function) = _names[call.Probe];
        var writer = _lines.Begin("call");
        writer.WritePropertyName("image");
        writer.WriteRawValue(image, skipInputValidation: true);
        writer.WritePropertyName("function");
        writer.WriteRawValue(function, skipInputValidation: true);
        writer.WriteNumber("pid", call.ProcessId);
        writer.WriteNumber("tid", call.ThreadId);
        writer.WriteNumber("time_ns", call.TimeNanoseconds);
        writer.WriteStartArray("args");
        for (var i = 0; i < layout.Format.Arguments.Count; i++)
            WriteValue(writer, layout.Format.Arguments[i], PayloadLayout.Argument(payload, i), payload, i);
        writer.WriteEndArray();
        if (withReturns)
        {
            writer.WritePropertyName("ret");
            WriteValue(writer, layout.Format.Result, call.Result, payload, layout.ResultIndex);
            writer.WriteNumber("duration_ns", call.DurationNanoseconds);
        }
        _lines.End(output);
    }

    /// <inheritdoc/>
    public bool WriteLost(ArrayBufferWriter<byte> output, long count)
    {
        _lines.WriteLost(output, count);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _lines.Dispose();

    private void WriteValue(Utf8JsonWriter writer, ValueKind kind, ulong value, ReadOnlySpan<byte> payload, int index)
    {
        switch (kind)
        {
            case ValueKind.Signed:
                writer.WriteNumberValue((long)value);
                break;
            case ValueKind.SignedInt:
                writer.WriteNumberValue((int)(uint)value);
                break;
            case ValueKind.Boolean:
                writer.WriteBooleanValue((byte)value != 0);
                break;
            case ValueKind.Character:
                writer.WriteTextValue(((char)(byte)value).ToString());
                break;
            case ValueKind.Text:
                var text = layout.Text(payload, index, out var state);
                if (state is TextState.Null or TextState.Unreadable)
                    writer.WriteNullValue();
                else
                    writer.WriteTextValue(Encoding.UTF8.GetString(text) + (state == TextState.Shortened ? "…" : ""));
                break;
            default:
                writer.WriteNumberValue(value);
                break;
        }
    }
}
