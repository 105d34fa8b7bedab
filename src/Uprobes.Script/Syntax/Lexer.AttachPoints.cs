namespace Uprobes.Script.Syntax;

/// <summary>Attach points: text that is not made of the language's words, such as <c>uprobe:/bin/x:f+4</c>.</summary>
internal sealed partial class Lexer
{
    /// <summary>Providers whose second part is a path, whatever it begins with.</summary>
    private static readonly string[] PathProviders = ["uprobe", "u", "uretprobe", "ur", "usdt", "U"];

    /// <summary>
    /// Where the attach point that begins at a position ends: before space that is not around the plus of an offset, a comma, a brace or a predicate. A slash begins a
    /// predicate unless it belongs to a path: the second part of a probe of a file, or any part that begins with a slash or, as the second one, with a dot.
    /// </summary>
    /// <param name="start">Its first character.</param>
    /// <param name="openQuote">A quote that is not closed on its line; null where there is none.</param>
    internal SourceSpan ReadAttachPoint(int start, out SourceSpan? openQuote)
    {
        openQuote = null;
        int i = start, part = 0, partStart = start;
        bool takesPath = false;
        while (i < limit)
        {
            char c = text[i];
            if (char.IsWhiteSpace(c) && AroundPlus(start, i) is { } next)
            {
                i = next;
                continue;
            }

            if (c is '{' or '}' or ',' or ';' || char.IsWhiteSpace(c))
                break;
            if (c == '/' && !(part > 0 && (text[partStart] == '/' || part == 1 && (takesPath || text[partStart] == '.'))))
                break;
            if (c == '"')
            {
                int close = ClosingQuote(i);
                if (close < 0)
                {
                    int lineEnd = text.IndexOf('\n', i, limit - i);
                    openQuote = SourceSpan.Between(i, lineEnd < 0 ? limit : lineEnd);
                    return SourceSpan.Between(start, openQuote.Value.End);
                }

                i = close + 1;
                continue;
            }

            if (c == ':')
            {
                if (part == 0)
                {
                    ReadOnlySpan<char> provider = text.AsSpan(partStart, i - partStart);
                    takesPath = IsPathProvider(provider[(provider.LastIndexOf('=') + 1)..]);
                }

                part++;
                partStart = i + 1;
            }

            i++;
        }

        return SourceSpan.Between(start, i);
    }

    /// <summary>Where it goes on behind spaces that stand before or behind the plus of an offset: <c>f + 4</c>; null for other spaces.</summary>
    private int? AroundPlus(int start, int space)
    {
        int i = space;
        while (i < limit && text[i] is ' ' or '\t')
            i++;
        if (i == limit || i == space)
            return null;
        bool isBehind = space > start && text[space - 1] == '+' && char.IsAsciiDigit(text[i]);
        return isBehind || text[i] == '+' ? i : null;
    }

    /// <summary>Short names are told apart by their case, long ones are not.</summary>
    private static bool IsPathProvider(ReadOnlySpan<char> name)
    {
        foreach (string provider in PathProviders)
        {
            if (name.Equals(provider, provider.Length > 2 ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal))
                return true;
        }

        return false;
    }

    private int ClosingQuote(int open)
    {
        for (int i = open + 1; i < limit && text[i] != '\n'; i++)
        {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                return i;
        }

        return -1;
    }
}
