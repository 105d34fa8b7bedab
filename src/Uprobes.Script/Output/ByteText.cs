using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Uprobes.Script.Output;

/// <summary>Numbers and text as UTF-8, in the invariant culture, straight into a buffer.</summary>
internal static class ByteText
{
    internal static void WriteByte(this IBufferWriter<byte> output, byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }

    internal static void WriteText(this IBufferWriter<byte> output, ReadOnlySpan<char> text) => Encoding.UTF8.GetBytes(text, output);

    internal static void WriteDecimal(this IBufferWriter<byte> output, long value)
    {
        Utf8Formatter.TryFormat(value, output.GetSpan(20), out int written);
        output.Advance(written);
    }

    internal static void WriteDecimal(this IBufferWriter<byte> output, ulong value)
    {
        Utf8Formatter.TryFormat(value, output.GetSpan(20), out int written);
        output.Advance(written);
    }

    /// <summary>A number of at most 40 characters, as every sum and limit here is.</summary>
    internal static void WriteDecimal(this IBufferWriter<byte> output, Int128 value)
    {
        if (value >= long.MinValue && value <= long.MaxValue)
        {
            output.WriteDecimal((long)value);
            return;
        }

        value.TryFormat(output.GetSpan(40), out int written, default, System.Globalization.CultureInfo.InvariantCulture);
        output.Advance(written);
    }

    internal static void WriteHex(this IBufferWriter<byte> output, ulong value)
    {
        Utf8Formatter.TryFormat(value, output.GetSpan(16), out int written, 'x');
        output.Advance(written);
    }

    internal static void WriteRepeated(this IBufferWriter<byte> output, byte value, int count)
    {
        while (count > 0)
        {
            int part = Math.Min(count, 256);
            output.GetSpan(part)[..part].Fill(value);
            output.Advance(part);
            count -= part;
        }
    }

    /// <summary>Bytes in a field: blanks in front of them or behind them up to a width.</summary>
    internal static void WriteField(this IBufferWriter<byte> output, ReadOnlySpan<byte> bytes, int width, bool isLeft)
    {
        int blanks = Math.Max(0, width - bytes.Length);
        if (!isLeft)
            output.WriteRepeated((byte)' ', blanks);
        output.Write(bytes);
        if (isLeft)
            output.WriteRepeated((byte)' ', blanks);
    }
}
