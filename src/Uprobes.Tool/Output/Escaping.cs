using System.Buffers;
using System.Globalization;
using System.Text;

namespace Uprobes.Tool.Output;

/// <summary>
/// Makes text from targets and files safe for a terminal. What is not a visible character becomes an escape: controls
/// (C0, DEL, C1), format characters (bidirectional overrides, zero-width), separators of lines, private and unassigned
/// characters, lone surrogates and malformed UTF-8. <c>\n \r \t</c> have their usual names, other bytes are <c>\xNN</c>,
/// other characters <c>\u{...}</c>.
/// </summary>
internal static class Escaping
{
    private static readonly SearchValues<char> Plain = SearchValues.Create(
        " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~");

    /// <summary>Whether a character may reach a terminal as it is.</summary>
    public static bool IsVisible(Rune rune)
    {
        if (rune.IsAscii)
            return rune.Value is >= 0x20 and < 0x7f;
        return Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
            or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
    }

    /// <summary>Escapes a name or message. Backslashes and quotes stay, so that names read as they are written.</summary>
    public static string Text(string text)
    {
        if (!text.AsSpan().ContainsAnyExcept(Plain))
            return text;
        var escaped = new StringBuilder(text.Length + 16);
        var rest = text.AsSpan();
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var length) != OperationStatus.Done)
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{{{(int)rest[0]:x}}}");
            else if (IsVisible(rune))
                escaped.Append(rest[..length]);
            else
                escaped.Append(Name(rune));
            rest = rest[length..];
        }
        return escaped.ToString();
    }

    /// <summary>Writes an escaped name as UTF-8.</summary>
    public static void WriteText(ArrayBufferWriter<byte> output, string text) => output.WriteText(Text(text));

    /// <summary>Writes bytes that should be UTF-8 between double quotes; quotes and backslashes inside are escaped too.</summary>
    public static void WriteQuoted(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> utf8)
    {
        output.WriteText("\"");
        WriteInside(output, utf8, '"');
        output.WriteText("\"");
    }

    /// <summary>Writes one byte as a character between single quotes.</summary>
    public static void WriteCharacter(ArrayBufferWriter<byte> output, byte value)
    {
        output.WriteText("'");
        WriteInside(output, [value], '\'');
        output.WriteText("'");
    }

    private static void WriteInside(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> utf8, char quote)
    {
        while (!utf8.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(utf8, out var rune, out var length) != OperationStatus.Done)
            {
                foreach (var malformed in utf8[..length])
                    output.WriteText($"\\x{malformed:x2}");
            }
            else if (rune.Value == quote || rune.Value == '\\')
            {
                output.WriteText("\\");
                output.Write(utf8[..length]);
            }
            else if (IsVisible(rune))
            {
                output.Write(utf8[..length]);
            }
            else
            {
                output.WriteText(Name(rune));
            }
            utf8 = utf8[length..];
        }
    }

    private static string Name(Rune rune) => rune.Value switch
    {
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        < 0x80 => $"\\x{rune.Value:x2}",
        _ => $"\\u{{{rune.Value:x}}}",
    };
}
