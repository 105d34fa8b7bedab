using System.Text;
using Uprobes.Images;

namespace Uprobes.Programs;

/// <summary>A part of a pattern: any text, or one byte of a set.</summary>
/// <param name="IsAnyText">Whether it is <c>*</c>.</param>
/// <param name="Ranges">The bytes otherwise: first and last of each range, from the lowest on.</param>
internal sealed record PatternPart(bool IsAnyText, IReadOnlyList<(byte First, byte Last)> Ranges);

/// <summary>The parts of a pattern as <see cref="GlobPattern"/> understands it, for code that is made of them.</summary>
internal static class TextPattern
{
    /// <summary>Takes a pattern apart; several <c>*</c> in a row are one.</summary>
    internal static IReadOnlyList<PatternPart> Parse(ReadOnlySpan<byte> pattern)
    {
        List<PatternPart> parts = [];
        string text = Encoding.Latin1.GetString(pattern);
        for (int at = 0, next; at < text.Length; at = next)
        {
            next = EndOf(text, at);
            if (text[at] != '*')
                parts.Add(new PatternPart(false, RangesOf(text[at..next])));
            else if (parts is not [.., { IsAnyText: true }])
                parts.Add(new PatternPart(true, []));
        }

        return parts;
    }

    /// <summary>Behind the part that begins at a place: a set ends with its bracket, if it has one, which is not its first member.</summary>
    private static int EndOf(string pattern, int at)
    {
        if (pattern[at] != '[')
            return at + 1;
        int first = at + 1 + (at + 1 < pattern.Length && pattern[at + 1] is '!' or '^' ? 1 : 0);
        int close = first < pattern.Length ? pattern.IndexOf(']', first + 1) : -1;
        return close < 0 ? at + 1 : close + 1;
    }

    private static List<(byte First, byte Last)> RangesOf(string part)
    {
        GlobPattern set = new(part);
        List<(byte First, byte Last)> ranges = [];
        for (int value = 0; value <= byte.MaxValue; value++)
        {
            if (!set.IsMatch([(char)value]))
                continue;
            if (ranges is [.., var last] && last.Last == value - 1)
                ranges[^1] = (last.First, (byte)value);
            else
                ranges.Add(((byte)value, (byte)value));
        }

        return ranges;
    }
}
