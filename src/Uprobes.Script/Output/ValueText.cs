using System.Buffers;

namespace Uprobes.Script.Output;

/// <summary>Values as bpftrace prints them.</summary>
internal static class ValueText
{
    /// <summary>
    /// Writes a value. Histograms and time series are lines, each with its line end; a stack begins with a line end and ends
    /// with one; every other value is a part of a line.
    /// </summary>
    /// <param name="output">Where to.</param>
    /// <param name="value">The value.</param>
    /// <param name="isEscaped">The text goes to a terminal: see <see cref="TargetText"/>.</param>
    /// <param name="zone">The zone that the times of a series are told in; the machine's own when null.</param>
    internal static void Write(IBufferWriter<byte> output, in ScriptValue value, bool isEscaped, TimeZoneInfo? zone = null)
    {
        switch (value.Kind)
        {
            case ScriptValueKind.None:
                output.Write("null"u8);
                break;
            case ScriptValueKind.Boolean:
                output.Write(value.Bits != 0 ? "true"u8 : "false"u8);
                break;
            case ScriptValueKind.String:
                TargetText.Write(output, value.Bytes, isEscaped && !value.IsTrusted);
                break;
            case ScriptValueKind.Buffer:
                WriteBuffer(output, value.Bytes, BufferStyle.Characters);
                break;
            case ScriptValueKind.Pointer:
                WriteAddress(output, (ulong)value.Bits);
                break;
            case ScriptValueKind.Array:
                WriteItems(output, value.Items, "["u8, ","u8, "]"u8, isEscaped);
                break;
            case ScriptValueKind.Tuple:
                WriteItems(output, value.Items, "("u8, ", "u8, ")"u8, isEscaped);
                break;
            case ScriptValueKind.Record:
                WriteRecord(output, value, isEscaped);
                break;
            case ScriptValueKind.Enum when value.Name is { } name:
                TargetText.Write(output, name, isEscaped);
                break;
            case ScriptValueKind.Enum:
                output.WriteDecimal(value.Number);
                break;
            case ScriptValueKind.Stack:
                StackText.Write(output, value.StackValue, isEscaped);
                break;
            case ScriptValueKind.UserSymbol when value.Name is { } name:
                TargetText.Write(output, name, isEscaped);
                break;
            case ScriptValueKind.UserSymbol:
                WriteAddress(output, (ulong)value.Bits);
                break;
            case ScriptValueKind.Stats:
                WriteStats(output, value.StatsValue);
                break;
            case ScriptValueKind.Histogram:
                HistogramText.Write(output, HistogramRow.Of(value.LogHistogramValue));
                break;
            case ScriptValueKind.LinearHistogram:
                HistogramText.Write(output, HistogramRow.Of(value.LinearHistogramValue));
                break;
            case ScriptValueKind.TimeSeries:
                TimeSeriesText.Write(output, value.SeriesValue, zone ?? TimeZoneInfo.Local);
                break;
            default:
                output.WriteDecimal(value.Number);
                break;
        }
    }

    /// <summary>Writes a value as a map's key between brackets: a tuple loses its parentheses.</summary>
    internal static void WriteKey(IBufferWriter<byte> output, in ScriptValue key, bool isEscaped)
    {
        if (key.Kind == ScriptValueKind.Tuple)
            WriteItems(output, key.Items, default, ", "u8, default, isEscaped);
        else
            Write(output, key, isEscaped);
    }

    /// <summary>Writes bytes of <c>buf()</c>.</summary>
    internal static void WriteBuffer(IBufferWriter<byte> output, ReadOnlySpan<byte> bytes, BufferStyle style)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            byte value = bytes[i];
            if (style == BufferStyle.Characters && value is >= 32 and <= 126)
            {
                output.WriteByte(value);
            }
            else if (style != BufferStyle.Pairs)
            {
                TargetText.WriteHexEscape(output, value);
            }
            else
            {
                TargetText.WriteHexPair(output, value);
                if (i < bytes.Length - 1)
                    output.WriteByte((byte)' ');
            }
        }
    }

    private static void WriteAddress(IBufferWriter<byte> output, ulong address)
    {
        output.Write("0x"u8);
        output.WriteHex(address);
    }

    private static void WriteItems(
        IBufferWriter<byte> output, ReadOnlySpan<ScriptValue> items, ReadOnlySpan<byte> open, ReadOnlySpan<byte> separator, ReadOnlySpan<byte> close, bool isEscaped)
    {
        output.Write(open);
        for (int i = 0; i < items.Length; i++)
        {
            if (i > 0)
                output.Write(separator);
            Write(output, items[i], isEscaped);
        }

        output.Write(close);
    }

    private static void WriteRecord(IBufferWriter<byte> output, in ScriptValue record, bool isEscaped)
    {
        ReadOnlySpan<string> names = record.FieldNames;
        ReadOnlySpan<ScriptValue> values = record.Items;
        if (names.IsEmpty)
        {
            output.Write("{}"u8);
            return;
        }

        for (int i = 0; i < names.Length; i++)
        {
            output.Write(i == 0 ? "{ ."u8 : ", ."u8);
            TargetText.Write(output, names[i], isEscaped);
            output.Write(" = "u8);
            Write(output, values[i], isEscaped);
        }

        output.Write(" }"u8);
    }

    private static void WriteStats(IBufferWriter<byte> output, ScriptStats stats)
    {
        output.Write("{ .count = "u8);
        output.WriteDecimal(stats.Count);
        output.Write(", .average = "u8);
        output.WriteDecimal(stats.Average);
        output.Write(", .total = "u8);
        output.WriteDecimal(stats.Sum);
        output.Write(" }"u8);
    }
}

/// <summary>How the bytes of a buffer print.</summary>
internal enum BufferStyle : byte
{
    /// <summary>%r: printable ASCII as it is, <c>\xNN</c> for the rest.</summary>
    Characters,

    /// <summary>%rx: <c>\xNN</c> for every byte.</summary>
    Escapes,

    /// <summary>%rh: two digits a byte, blanks between them.</summary>
    Pairs,
}
