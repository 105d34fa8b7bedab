using System.Buffers;
using System.Globalization;
using System.Text;

namespace Uprobes.Script.Output;

/// <summary>
/// Text of the target, which may hold anything. A terminal would obey its control characters, so that they are written
/// there as <c>\n</c>, <c>\t</c>, <c>\r</c> or <c>\xNN</c>: C0, DEL, C1, characters that are not seen but change how others are
/// (bidirectional overrides, zero-width ones, separators of lines), and every byte that is not valid UTF-8.
/// </summary>
internal static class TargetText
{
    private static ReadOnlySpan<byte> Digits => "0123456789abcdef"u8;

    /// <summary>Writes the bytes as they are, or escaped.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="bytes">The text.</param>
    /// <param name="isEscaped">The text goes to a terminal.</param>
    internal static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> bytes, bool isEscaped)
    {
        if (!isEscaped)
        {
            output.Write(bytes);
            return;
        }

        WriteEscaped(output, bytes, keepLines: false);
    }

    /// <summary>The same for a name, which is a .NET string.</summary>
    internal static void Write(IBufferWriter<byte> output, string text, bool isEscaped)
    {
        if (!isEscaped)
        {
            output.WriteText(text);
            return;
        }

        WriteEscaped(output, Encoding.UTF8.GetBytes(text), keepLines: false);
    }

    /// <summary>The same for a file's content, whose line ends and tabs a terminal may have.</summary>
    internal static void WriteLines(IBufferWriter<byte> output, ReadOnlySpan<byte> bytes, bool isEscaped)
    {
        if (!isEscaped)
            output.Write(bytes);
        else
            WriteEscaped(output, bytes, keepLines: true);
    }

    private static void WriteEscaped(IBufferWriter<byte> output, ReadOnlySpan<byte> bytes, bool keepLines)
    {
        while (!bytes.IsEmpty)
        {
            int plain = bytes.IndexOfAnyExceptInRange((byte)0x20, (byte)0x7e);
            output.Write(plain < 0 ? bytes : bytes[..plain]);
            if (plain < 0)
                return;
            bytes = bytes[plain..];
            OperationStatus status = Rune.DecodeFromUtf8(bytes, out Rune rune, out int length);
            ReadOnlySpan<byte> character = bytes[..length];
            if ((status == OperationStatus.Done && IsVisible(rune)) || (keepLines && rune.Value is '\n' or '\t'))
                output.Write(character);
            else
                WriteEscape(output, character);
            bytes = bytes[length..];
        }
    }

    private static bool IsVisible(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    private static void WriteEscape(IBufferWriter<byte> output, ReadOnlySpan<byte> character)
    {
        ReadOnlySpan<byte> name = character[0] switch
        {
            (byte)'\n' => "\\n"u8,
            (byte)'\t' => "\\t"u8,
            (byte)'\r' => "\\r"u8,
            _ => default,
        };
        output.Write(name);
        if (!name.IsEmpty)
            return;
        foreach (byte value in character)
            WriteHexEscape(output, value);
    }

    internal static void WriteHexEscape(IBufferWriter<byte> output, byte value)
    {
        Span<byte> span = output.GetSpan(4);
        span[0] = (byte)'\\';
        span[1] = (byte)'x';
        span[2] = Digits[value >> 4];
        span[3] = Digits[value & 15];
        output.Advance(4);
    }

    internal static void WriteHexPair(IBufferWriter<byte> output, byte value)
    {
        Span<byte> span = output.GetSpan(2);
        span[0] = Digits[value >> 4];
        span[1] = Digits[value & 15];
        output.Advance(2);
    }
}
