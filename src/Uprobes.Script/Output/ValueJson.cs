using System.Buffers;
using System.Text;

namespace Uprobes.Script.Output;

/// <summary>
/// Values as JSON with bpftrace's spacing: none in arrays, a blank behind commas and colons of objects. Integers that a
/// double cannot hold are strings, so that no reader loses their last digits.
/// </summary>
internal static class ValueJson
{
    internal static void Write(IBufferWriter<byte> output, in ScriptValue value, TimeZoneInfo zone)
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
                WriteString(output, value.Bytes);
                break;
            case ScriptValueKind.Buffer:
                WriteBytes(output, value.Bytes);
                break;
            case ScriptValueKind.Array or ScriptValueKind.Tuple:
                WriteItems(output, value.Items, zone);
                break;
            case ScriptValueKind.Record:
                WriteRecord(output, value, zone);
                break;
            case ScriptValueKind.Stack or ScriptValueKind.UserSymbol:
                ArrayBufferWriter<byte> text = new();
                ValueText.Write(text, value, isEscaped: false);
                WriteString(output, text.WrittenSpan);
                break;
            case ScriptValueKind.Stats:
                WriteStats(output, value.StatsValue);
                break;
            case ScriptValueKind.Histogram:
                WriteRows(output, HistogramRow.Of(value.LogHistogramValue));
                break;
            case ScriptValueKind.LinearHistogram:
                WriteRows(output, HistogramRow.Of(value.LinearHistogramValue));
                break;
            case ScriptValueKind.TimeSeries:
                WriteSeries(output, value.SeriesValue, zone);
                break;
            default:
                WriteNumber(output, value.Number);
                break;
        }
    }

    /// <summary>A map's key: its text without the parentheses of a tuple, and without any blank.</summary>
    internal static void WriteKey(IBufferWriter<byte> output, in ScriptValue key)
    {
        ArrayBufferWriter<byte> text = new();
        ValueText.WriteKey(text, key, isEscaped: false);
        byte[] bytes = text.WrittenSpan.ToArray();
        int length = 0;
        foreach (byte value in bytes)
        {
            if (value != ' ')
                bytes[length++] = value;
        }

        WriteString(output, bytes.AsSpan(0, length));
    }

    internal static void WriteNumber(IBufferWriter<byte> output, Int128 value)
    {
        bool isExact = (Int128)(double)value == value;
        if (!isExact)
            output.WriteByte((byte)'"');
        output.WriteDecimal(value);
        if (!isExact)
            output.WriteByte((byte)'"');
    }

    /// <summary>A string. Bytes that are not UTF-8 become U+FFFD: JSON has no other way to stay readable.</summary>
    internal static void WriteString(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        output.WriteByte((byte)'"');
        while (!text.IsEmpty)
        {
            int plain = IndexOfSpecial(text);
            output.Write(text[..plain]);
            text = text[plain..];
            if (text.IsEmpty)
                break;
            int length = 1;
            if (text[0] >= 0x80)
            {
                OperationStatus status = Rune.DecodeFromUtf8(text, out Rune rune, out length);
                if (status == OperationStatus.Done && Rune.IsControl(rune))
                    WriteEscape(output, (byte)rune.Value); // C1, which a terminal would obey.
                else
                    output.Write(status == OperationStatus.Done ? text[..length] : "\uFFFD"u8);
            }
            else
            {
                WriteEscape(output, text[0]);
            }

            text = text[length..];
        }

        output.WriteByte((byte)'"');
    }

    internal static void WriteString(IBufferWriter<byte> output, string text) => WriteString(output, Encoding.UTF8.GetBytes(text));

    private static int IndexOfSpecial(ReadOnlySpan<byte> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is < 0x20 or >= 0x7f or (byte)'"' or (byte)'\\')
                return i;
        }

        return text.Length;
    }

    private static void WriteEscape(IBufferWriter<byte> output, byte value)
    {
        switch (value)
        {
            case (byte)'"':
                output.Write("\\\""u8);
                break;
            case (byte)'\\':
                output.Write("\\\\"u8);
                break;
            case (byte)'\n':
                output.Write("\\n"u8);
                break;
            case (byte)'\r':
                output.Write("\\r"u8);
                break;
            case (byte)'\t':
                output.Write("\\t"u8);
                break;
            default:
                output.Write("\\u00"u8);
                TargetText.WriteHexPair(output, value);
                break;
        }
    }

    // Numbers, signed as C's char is.
    private static void WriteBytes(IBufferWriter<byte> output, ReadOnlySpan<byte> bytes)
    {
        output.WriteByte((byte)'[');
        for (int i = 0; i < bytes.Length; i++)
        {
            if (i > 0)
                output.WriteByte((byte)',');
            output.WriteDecimal((long)(sbyte)bytes[i]);
        }

        output.WriteByte((byte)']');
    }

    private static void WriteItems(IBufferWriter<byte> output, ReadOnlySpan<ScriptValue> items, TimeZoneInfo zone)
    {
        output.WriteByte((byte)'[');
        for (int i = 0; i < items.Length; i++)
        {
            if (i > 0)
                output.WriteByte((byte)',');
            Write(output, items[i], zone);
        }

        output.WriteByte((byte)']');
    }

    private static void WriteRecord(IBufferWriter<byte> output, in ScriptValue record, TimeZoneInfo zone)
    {
        ReadOnlySpan<string> names = record.FieldNames;
        ReadOnlySpan<ScriptValue> values = record.Items;
        output.WriteByte((byte)'{');
        for (int i = 0; i < names.Length; i++)
        {
            if (i > 0)
                output.Write(", "u8);
            WriteString(output, names[i]);
            output.Write(": "u8);
            Write(output, values[i], zone);
        }

        output.WriteByte((byte)'}');
    }

    private static void WriteStats(IBufferWriter<byte> output, ScriptStats stats)
    {
        output.Write("{\"count\": "u8);
        WriteNumber(output, stats.Count);
        output.Write(", \"average\": "u8);
        WriteNumber(output, stats.Average);
        output.Write(", \"total\": "u8);
        WriteNumber(output, stats.Sum);
        output.WriteByte((byte)'}');
    }

    // Closed intervals: the largest value of a bucket is one less than the next bucket's least.
    private static void WriteRows(IBufferWriter<byte> output, IReadOnlyList<HistogramRow> rows)
    {
        output.WriteByte((byte)'[');
        for (int i = 0; i < rows.Count; i++)
        {
            output.Write(i == 0 ? "{"u8 : ",{"u8);
            if (rows[i].Least is { } least)
            {
                output.Write("\"min\": "u8);
                WriteNumber(output, least.Value);
                output.Write(", "u8);
            }

            if (rows[i].Limit is { } limit)
            {
                output.Write("\"max\": "u8);
                WriteNumber(output, limit.Value - 1);
                output.Write(", "u8);
            }

            output.Write("\"count\": "u8);
            output.WriteDecimal(rows[i].Count);
            output.WriteByte((byte)'}');
        }

        output.WriteByte((byte)']');
    }

    private static readonly TimeFormat IntervalStart = TimeFormat.Parse("%Y-%m-%dT%H:%M:%S.%k");

    private static void WriteSeries(IBufferWriter<byte> output, ScriptTimeSeries series, TimeZoneInfo zone)
    {
        output.WriteByte((byte)'[');
        bool isFirst = true;
        foreach (TimeSeriesPoint point in series.Points)
        {
            if (point.Value.Kind == ScriptValueKind.None)
                continue;
            output.Write(isFirst ? "{\"interval_start\":\""u8 : ",{\"interval_start\":\""u8);
            isFirst = false;
            IntervalStart.Write(output, point.UnixNanoseconds, zone);
            output.Write("\",\"value\":"u8);
            output.WriteDecimal(point.Value.Number);
            output.WriteByte((byte)'}');
        }

        output.WriteByte((byte)']');
    }
}
