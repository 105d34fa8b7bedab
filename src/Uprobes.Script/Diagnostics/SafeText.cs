using System.Globalization;
using System.Text;

namespace Uprobes.Script.Diagnostics;

/// <summary>
/// Text of a script as it may go to a terminal. What would move the cursor, change colours, reverse the reading direction or
/// be no character at all is written as an escape, so that a script cannot forge what a user reads.
/// </summary>
internal static class SafeText
{
    /// <summary>A text with everything dangerous escaped; line ends too.</summary>
    internal static string Escape(string text)
    {
        StringBuilder escaped = new(text.Length);
        for (int i = 0; i < text.Length; i += Step(text, i))
            Append(escaped, text, i);
        return escaped.ToString();
    }

    /// <summary>Appends the character at <paramref name="index"/>, with its other half where it is one of a pair.</summary>
    /// <returns>How many columns it takes.</returns>
    internal static int Append(StringBuilder builder, string text, int index)
    {
        int before = builder.Length;
        char c = text[index];
        if (Step(text, index) == 2)
        {
            builder.Append(c).Append(text[index + 1]);
            return 1;
        }

        if (IsDangerous(c))
            builder.Append(c < 256 ? $@"\x{(int)c:x2}" : $@"\u{(int)c:x4}");
        else
            builder.Append(c);
        return builder.Length - before;
    }

    /// <summary>Characters of .NET that make the one at <paramref name="index"/>: 1, or 2 for a surrogate pair.</summary>
    internal static int Step(string text, int index) =>
        char.IsHighSurrogate(text[index]) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]) ? 2 : 1;

    private static bool IsDangerous(char c) =>
        char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned;
}
