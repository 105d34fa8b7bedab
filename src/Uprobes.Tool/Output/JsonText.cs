using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Uprobes.Tool.Output;

/// <summary>
/// JSON strings that are safe on a terminal too: what <see cref="Escaping.IsVisible"/> does not let through becomes
/// <c>\uXXXX</c>. The encoders of System.Text.Json either let bidirectional overrides pass or escape the angle brackets of C++ names.
/// </summary>
internal static class JsonText
{
    /// <summary>Writes a property with a string value.</summary>
    public static void WriteText(this Utf8JsonWriter writer, string property, string value)
    {
        writer.WritePropertyName(property);
        writer.WriteTextValue(value);
    }

    /// <summary>Writes a string value.</summary>
    public static void WriteTextValue(this Utf8JsonWriter writer, string value) =>
        writer.WriteRawValue(Quote(value), skipInputValidation: true);

    /// <summary>The text as a JSON string, with its quotes. A lone surrogate becomes U+FFFD, since JSON text is Unicode.</summary>
    public static string Quote(string value)
    {
        var quoted = new StringBuilder(value.Length + 2).Append('"');
        foreach (var rune in value.EnumerateRunes())
        {
            if (rune.Value is '"' or '\\')
                quoted.Append('\\').Append((char)rune.Value);
            else if (Escaping.IsVisible(rune))
                quoted.Append(rune.ToString());
            else
                AppendEscape(quoted, rune);
        }
        return quoted.Append('"').ToString();
    }

    private static void AppendEscape(StringBuilder quoted, Rune rune)
    {
        var named = rune.Value switch { '\n' => "\\n", '\r' => "\\r", '\t' => "\\t", '\b' => "\\b", '\f' => "\\f", _ => null };
        if (named is not null)
        {
            quoted.Append(named);
            return;
        }
        Span<char> units = stackalloc char[2];
        foreach (var unit in units[..rune.EncodeToUtf16(units)])
            quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
    }
}
