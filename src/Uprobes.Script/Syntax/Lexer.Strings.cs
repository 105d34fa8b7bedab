using System.Text;

namespace Uprobes.Script.Syntax;

/// <summary>String literals, and characters between single quotes.</summary>
internal sealed partial class Lexer
{
    private const string KnownEscapes = @"escapes are \n \t \r \a \b \f \v \e \"" \\ \0 to \377 and \x00 to \xff";

    private Token Quoted(int start)
    {
        int end = Unescape(start + 1, '"', out byte[] bytes, out TokenProblem? problem);
        return new Token(TokenKind.Text, SourceSpan.Between(start, end)) { Bytes = bytes, Problem = problem };
    }

    /// <summary>A character is a number, as in C; the language has none, and its users write them.</summary>
    private Token Character(int start)
    {
        int end = Unescape(start + 1, '\'', out byte[] bytes, out TokenProblem? problem);
        SourceSpan span = SourceSpan.Between(start, end);
        if (problem is null && bytes.Length != 1)
            problem = new TokenProblem(span, "single quotes hold one character of one byte", "text stands between double quotes");
        return new Token(TokenKind.Integer, span) { Value = bytes.Length == 1 ? bytes[0] : 0u, Problem = problem };
    }

    /// <summary>Reads up to the closing quote, or to the end of the line where there is none.</summary>
    /// <returns>The position behind it.</returns>
    private int Unescape(int start, char quote, out byte[] bytes, out TokenProblem? problem)
    {
        List<byte> value = [];
        problem = null;
        Span<byte> encoded = stackalloc byte[4];
        int i = start;
        while (true)
        {
            char c = At(i);
            if (i >= limit || c == '\n')
            {
                problem = new TokenProblem(SourceSpan.Between(start - 1, i), "this string has no end", $"close it with {quote}", SwallowsText: true);
                break;
            }

            if (c == quote)
            {
                i++;
                break;
            }

            if (c == '\\')
            {
                i = Escape(i, value, ref problem);
                continue;
            }

            int length = Rune.DecodeFromUtf16(text.AsSpan(i, limit - i), out Rune rune, out int consumed) == System.Buffers.OperationStatus.Done
                ? rune.EncodeToUtf8(encoded)
                : Rune.ReplacementChar.EncodeToUtf8(encoded);
            value.AddRange(encoded[..length]);
            i += Math.Max(consumed, 1);
        }

        bytes = [.. value];
        return i;
    }

    /// <summary>Reads what a backslash begins.</summary>
    /// <returns>The position behind it.</returns>
    private int Escape(int start, List<byte> value, ref TokenProblem? problem)
    {
        int i = start + 1;
        char c = At(i);
        int simple = c switch
        {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\a',
            'b' => '\b',
            'f' => '\f',
            'v' => '\v',
            'e' => '\e',
            '"' => '"',
            '\'' => '\'',
            '\\' => '\\',
            _ => -1,
        };
        if (simple >= 0)
        {
            value.Add((byte)simple);
            return i + 1;
        }

        if (c is >= '0' and <= '7')
        {
            int octal = 0, octalEnd = i;
            while (octalEnd < i + 3 && At(octalEnd) is >= '0' and <= '7')
                octal = octal * 8 + (At(octalEnd++) - '0');
            if (octal > 255)
                problem ??= new TokenProblem(SourceSpan.Between(start, octalEnd), $@"the escape \{text[i..octalEnd]} is larger than \377");
            value.Add((byte)octal);
            return octalEnd;
        }

        if (c is 'x' or 'X')
        {
            int hexadecimal = 0, hexadecimalEnd = i + 1;
            while (hexadecimalEnd < i + 3 && char.IsAsciiHexDigit(At(hexadecimalEnd)))
                hexadecimal = hexadecimal * 16 + Convert.ToInt32(At(hexadecimalEnd++).ToString(), 16);
            if (hexadecimalEnd == i + 1)
                problem ??= new TokenProblem(SourceSpan.Between(start, hexadecimalEnd), @"hexadecimal digits must follow \x");
            value.Add((byte)hexadecimal);
            return hexadecimalEnd;
        }

        if (i >= limit || c == '\n')
            return i; // the string ends there, which is what is said
        string unknown = Whole(i);
        problem ??= new TokenProblem(SourceSpan.Between(start, i + unknown.Length), $@"`\{unknown}` is no escape", KnownEscapes);
        return i + unknown.Length;
    }
}
