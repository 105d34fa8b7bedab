using System.Buffers;

namespace Uprobes.Script.Output;

/// <summary>
/// Histograms as text, a row a bucket: <c>[2, 4)                 1 |@@@@      |</c>. The label is 16 columns wide, the count
/// eight, the bar 52 for the largest count.
/// </summary>
internal static class HistogramText
{
    private const int LabelWidth = 16;
    private const int CountWidth = 8;
    private const int BarWidth = 52;

    internal static void Write(IBufferWriter<byte> output, IReadOnlyList<HistogramRow> rows)
    {
        ArrayBufferWriter<byte> field = new(64);
        ulong most = 0;
        foreach (HistogramRow row in rows)
            most = Math.Max(most, row.Count);
        foreach (HistogramRow row in rows)
        {
            WriteLabel(field, row);
            output.WriteField(field.WrittenSpan, LabelWidth, isLeft: true);
            field.ResetWrittenCount();
            field.WriteDecimal(row.Count);
            output.WriteField(field.WrittenSpan, CountWidth, isLeft: false);
            field.ResetWrittenCount();
            output.Write(" |"u8);
            int bar = Bar(row.Count, most);
            output.WriteRepeated((byte)'@', bar);
            output.WriteRepeated((byte)' ', BarWidth - bar);
            output.Write("|\n"u8);
        }
    }

    // In single precision, as bpftrace has it: a double would draw some bars one column longer.
    private static int Bar(ulong count, ulong most) => most == 0 ? 0 : (int)(count / (float)most * BarWidth);

    private static void WriteLabel(IBufferWriter<byte> output, HistogramRow row)
    {
        if (row.Least is not { } least)
        {
            output.Write("(..., "u8);
            WriteEdge(output, row.Limit!.Value);
            output.WriteByte((byte)')');
            return;
        }

        output.WriteByte((byte)'[');
        WriteEdge(output, least);
        if (row.IsSingle)
        {
            output.WriteByte((byte)']');
            return;
        }

        output.Write(", "u8);
        if (row.Limit is { } limit)
            WriteEdge(output, limit);
        else
            output.Write("..."u8);
        output.WriteByte((byte)')');
    }

    private static void WriteEdge(IBufferWriter<byte> output, HistogramEdge edge)
    {
        output.WriteDecimal(edge.Written);
        if (edge.Suffix != '\0')
            output.WriteByte((byte)edge.Suffix);
    }
}
