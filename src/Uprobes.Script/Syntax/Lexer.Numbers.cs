using System.Globalization;
using System.Numerics;

namespace Uprobes.Script.Syntax;

/// <summary>Integer literals: <c>42 0x2a 052 1e6 1_000 10ms 7ULL</c>.</summary>
internal sealed partial class Lexer
{
    private static readonly (string Suffix, ulong Nanoseconds)[] Units =
    [
        ("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
        ("h", 3_600_000_000_000), ("d", 86_400_000_000_000),
    ];

    private static readonly string[] Widths = ["u", "l", "ul", "lu", "ll", "ull", "llu"];

    private const string KnownSuffixes = "durations end in ns, us, ms, s, m, h or d";

    private Token Number(int start)
    {
        // All that hangs together is the literal, so that a wrong one is one error.
        int end = start;
        while (ContinuesName(At(end)))
            end++;
        SourceSpan span = SourceSpan.Between(start, end);
        string digits = text[start..end];
        TokenProblem? problem = Evaluate(digits, span, out ulong value);
        return new Token(TokenKind.Integer, span) { Value = value, Problem = problem };
    }

    /// <summary>What a literal is worth.</summary>
    /// <returns>What is wrong with it; null where nothing is.</returns>
    private static TokenProblem? Evaluate(string literal, SourceSpan span, out ulong value)
    {
        value = 0;
        bool isHexadecimal = literal.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        int numberStart = isHexadecimal ? 2 : 0, numberEnd = numberStart;
        while (numberEnd < literal.Length && (literal[numberEnd] == '_' || (isHexadecimal ? char.IsAsciiHexDigit(literal[numberEnd]) : char.IsAsciiDigit(literal[numberEnd]))))
            numberEnd++;

        string number = literal[numberStart..numberEnd], suffix = literal[numberEnd..];
        if (number.Length == 0 || number[0] == '_')
            return new TokenProblem(span, $"`{literal}` is not a number: digits must follow `{literal[..numberStart]}`");
        if (number[^1] == '_')
            return new TokenProblem(span, $"`{literal}` is not a number: an underscore stands between digits");

        string plain = number.Replace("_", "", StringComparison.Ordinal);
        BigInteger exact;
        if (isHexadecimal)
        {
            exact = BigInteger.Parse("0" + plain[..Math.Min(plain.Length, 64)], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        }
        else if (plain.Length > 1 && plain[0] == '0' && !IsExponent(suffix))
        {
            if (plain.AsSpan().IndexOfAnyInRange('8', '9') >= 0)
                return new TokenProblem(span, $"`{literal}` is not a number: the leading 0 makes it octal, which has no digits 8 and 9");
            exact = 0;
            foreach (char digit in plain.AsSpan(0, Math.Min(plain.Length, 64)))
                exact = exact * 8 + (digit - '0');
        }
        else
        {
            exact = BigInteger.Parse(plain.AsSpan(0, Math.Min(plain.Length, 64)), NumberStyles.None, CultureInfo.InvariantCulture);
        }

        if (IsExponent(suffix))
        {
            int exponentEnd = 1;
            while (exponentEnd < suffix.Length && (char.IsAsciiDigit(suffix[exponentEnd]) || suffix[exponentEnd] == '_'))
                exponentEnd++;
            string exponent = suffix[1..exponentEnd].Replace("_", "", StringComparison.Ordinal);
            if (exponent.Length == 0)
                return new TokenProblem(span, $"`{literal}` is not a number: digits must follow the exponent's `e`");
            exact *= BigInteger.Pow(10, int.TryParse(exponent, out int power) ? Math.Min(power, 64) : 64);
            suffix = suffix[exponentEnd..];
        }

        if (suffix.Length > 0)
        {
            (string Suffix, ulong Nanoseconds) unit = Array.Find(Units, unit => unit.Suffix == suffix);
            if (unit.Suffix is not null)
                exact *= unit.Nanoseconds;
            else if (!Widths.Contains(suffix, StringComparer.OrdinalIgnoreCase))
                return new TokenProblem(span, $"`{literal}` is not a number: `{suffix}` is no suffix", KnownSuffixes);
        }

        if (exact > ulong.MaxValue)
        {
            value = ulong.MaxValue;
            return new TokenProblem(span, $"the number is larger than {ulong.MaxValue}, the largest of 64 bits");
        }

        value = (ulong)exact;
        return null;
    }

    /// <summary>An <c>e</c> behind the digits of a decimal number; hexadecimal numbers have taken theirs as a digit.</summary>
    private static bool IsExponent(string suffix) => suffix.Length > 0 && suffix[0] is 'e' or 'E';
}
