namespace Uprobes.Script.Syntax;

/// <summary>
/// Finds the words of a script. It has no state: where the parser is, it knows whether an attach point, a preprocessor line or
/// an expression comes next, and asks for that at a position.
/// </summary>
/// <param name="text">The script.</param>
/// <param name="limit">Where it is to be taken as ended: its length, or the end of a line that is read alone.</param>
internal sealed partial class Lexer(string text, int limit)
{
    /// <summary>Longer ones before those that they begin with.</summary>
    private static readonly string[] Symbols =
    [
        "<<=", ">>=", "...",
        "||", "&&", "==", "!=", "<=", ">=", "<<", ">>", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "->", "..", "::",
        "{", "}", "(", ")", "[", "]", ";", ":", ",", "?", "=", "<", ">", "|", "^", "&", "+", "-", "*", "/", "%", "!", "~", ".",
    ];

    internal static bool StartsName(char c) => char.IsAsciiLetter(c) || c == '_';

    internal static bool ContinuesName(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    /// <summary>The first word at or behind a position. <see cref="TokenKind.EndOfText"/> at the end, again and again.</summary>
    internal Token Read(int position)
    {
        int start = SkipSpace(position, out SourceSpan? openComment);
        if (openComment is { } comment)
        {
            return new Token(TokenKind.EndOfText, new SourceSpan(limit, 0))
            {
                Problem = new TokenProblem(new SourceSpan(comment.Start, 2), "this comment has no end", "close it with `*/`", SwallowsText: true),
            };
        }

        if (start >= limit)
            return new Token(TokenKind.EndOfText, new SourceSpan(limit, 0));

        char c = text[start];
        if (StartsName(c))
            return Name(TokenKind.Word, start, start);
        if (char.IsAsciiDigit(c))
            return Number(start);
        return c switch
        {
            '"' => Quoted(start),
            '$' => Dollar(start),
            '@' => Name(TokenKind.Map, start, start + 1),
            '#' => new Token(TokenKind.Directive, SourceSpan.Between(start, EndOfDirective(start))),
            '\'' => Character(start),
            _ => Symbol(start),
        };
    }

    /// <summary>The position of the first character that is neither space nor comment.</summary>
    internal int SkipSpace(int position) => SkipSpace(position, out _);

    private int SkipSpace(int position, out SourceSpan? openComment)
    {
        openComment = null;
        int i = position;
        while (i < limit)
        {
            if (char.IsWhiteSpace(text[i]) || text[i] == '\uFEFF')
            {
                i++;
            }
            else if (text[i] == '\\' && At(i + 1) is '\n' or '\r')
            {
                i += 2; // a preprocessor line that goes on
            }
            else if (At(i) == '/' && At(i + 1) == '/')
            {
                int end = text.IndexOf('\n', i, limit - i);
                i = end < 0 ? limit : end;
            }
            else if (At(i) == '/' && At(i + 1) == '*')
            {
                int end = text.IndexOf("*/", i + 2, limit - i - 2, StringComparison.Ordinal);
                if (end < 0)
                    openComment = SourceSpan.Between(i, limit);
                i = end < 0 ? limit : end + 2;
            }
            else
            {
                break;
            }
        }

        return i;
    }

    /// <summary>The character at a position, and a zero behind the end.</summary>
    private char At(int position) => position < limit ? text[position] : '\0';

    private Token Name(TokenKind kind, int start, int nameStart)
    {
        int end = nameStart;
        if (StartsName(At(end)))
        {
            while (ContinuesName(At(end)))
                end++;
        }

        return new Token(kind, SourceSpan.Between(start, end), text[nameStart..end]);
    }

    private Token Dollar(int start)
    {
        char next = At(start + 1);
        if (next == '#')
            return new Token(TokenKind.PositionalCount, new SourceSpan(start, 2));
        if (StartsName(next))
            return Name(TokenKind.Variable, start, start + 1);
        if (!char.IsAsciiDigit(next))
            return Unknown(start, "`$` must be followed by a name, a number or `#`");

        int end = start + 1;
        while (char.IsAsciiDigit(At(end)))
            end++;
        SourceSpan span = SourceSpan.Between(start, end);
        bool fits = ulong.TryParse(text.AsSpan(start + 1, end - start - 1), out ulong number) && number is > 0 and <= 65536;
        return new Token(TokenKind.Positional, span)
        {
            Value = number,
            Problem = fits ? null : new TokenProblem(span, "the number of a positional parameter is from 1 to 65536"),
        };
    }

    private Token Symbol(int start)
    {
        ReadOnlySpan<char> rest = text.AsSpan(start, limit - start);
        foreach (string symbol in Symbols)
        {
            if (rest.StartsWith(symbol, StringComparison.Ordinal))
                return new Token(TokenKind.Symbol, new SourceSpan(start, symbol.Length), symbol);
        }

        return Unknown(start, $"the character `{Whole(start)}` has no meaning here");
    }

    private Token Unknown(int start, string message)
    {
        SourceSpan span = new(start, Whole(start).Length);
        return new Token(TokenKind.Unknown, span) { Problem = new TokenProblem(span, message) };
    }

    /// <summary>The character at a position with its other half, where it has one.</summary>
    private string Whole(int position) =>
        text.Substring(position, char.IsHighSurrogate(text[position]) && char.IsLowSurrogate(At(position + 1)) ? 2 : 1);

    /// <summary>A preprocessor line ends with the line, unless a backslash stands at the end of it.</summary>
    private int EndOfDirective(int start)
    {
        for (int i = start; i < limit; i++)
        {
            if (text[i] == '\n' && text[i - 1] != '\\' && !(text[i - 1] == '\r' && i >= 2 && text[i - 2] == '\\'))
                return i;
        }

        return limit;
    }
}
