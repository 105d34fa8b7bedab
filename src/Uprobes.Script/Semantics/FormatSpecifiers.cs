using System.Text;

namespace Uprobes.Script.Semantics;

/// <summary>One conversion of a format, such as <c>%-8lld</c>.</summary>
/// <param name="Text">As written.</param>
/// <param name="Conversion">Its letter; <c>rh</c> and <c>rx</c> count as <c>r</c>.</param>
internal readonly record struct FormatSpecifier(string Text, char Conversion);

/// <summary>Finds the conversions of a format, as far as checking its arguments asks for.</summary>
internal static class FormatSpecifiers
{
    /// <summary>All but <c>%%</c>, in order. One that the format ends in has the conversion 0.</summary>
    internal static List<FormatSpecifier> Find(ReadOnlySpan<byte> format)
    {
        List<FormatSpecifier> specifiers = [];
        string text = Encoding.Latin1.GetString(format);
        for (int i = text.IndexOf('%', StringComparison.Ordinal); i >= 0; i = i < text.Length ? text.IndexOf('%', i) : -1)
        {
            int end = i + 1;
            if (end < text.Length && text[end] == '%')
            {
                i += 2;
                continue;
            }

            while (end < text.Length && text[end] is '-' or '+' or ' ' or '#' or '0')
                end++;
            while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.'))
                end++;
            while (end < text.Length && text[end] is 'h' or 'l' or 'j' or 'z' or 't' or 'L' or 'q')
                end++;
            char conversion = end < text.Length ? text[end] : '\0';
            end = Math.Min(end + 1, text.Length);
            if (conversion == 'r' && end < text.Length && text[end] is 'h' or 'x')
                end++;
            specifiers.Add(new FormatSpecifier(text[i..end], conversion));
            i = end;
        }

        return specifiers;
    }
}
