using System.Buffers;
using System.Globalization;
using System.Text;

namespace Uprobes.Tool.Output;

/// <summary>Writes text and numbers as UTF-8 into a growing buffer, without strings in between for numbers.</summary>
internal static class BufferText
{
    private const int LongestNumber = 32;

    /// <summary>Writes text as it is: only for text of our own or that is escaped already.</summary>
    public static void WriteText(this ArrayBufferWriter<byte> output, string text)
    {
        var span = output.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length));
        output.Advance(Encoding.UTF8.GetBytes(text, span));
    }

    /// <summary>Writes a number in a format of the invariant culture.</summary>
    public static void WriteNumber<T>(this ArrayBufferWriter<byte> output, T value, ReadOnlySpan<char> format = default)
        where T : IUtf8SpanFormattable
    {
        var span = output.GetSpan(LongestNumber);
        if (!value.TryFormat(span, out var written, format, CultureInfo.InvariantCulture))
            throw new FormatException($"A number needs more than {LongestNumber} bytes.");
        output.Advance(written);
    }
}
