using Superpower.Model;

namespace Uprobes.Tool.Filters;

/// <summary>What a filter's words are.</summary>
internal static class FilterTokenizer
{
    private const int LongestFilter = 4096;

    /// <summary>What nests: with these bounded, reading a filter needs a bounded stack.</summary>
    private const int MostPrefixes = 200;

    /// <summary>Longer ones before those that they begin with.</summary>
    private static readonly string[] Symbols =
        ["||", "&&", "==", "!=", "<<", ">>", "<=", ">=", "<", ">", "|", "^", "&", "+", "-", "*", "/", "%", "!", "~", "(", ")"];

    /// <summary>Looks whether a text is a sequence of words, so that <see cref="Next"/> finds one everywhere.</summary>
    /// <returns>The text from its first word on.</returns>
    /// <exception cref="FilterException">It is not, or it is too long or too deep.</exception>
    internal static TextSpan Check(string text)
    {
        if (text.Length > LongestFilter)
            throw new FilterException("", 0, $"longer than {LongestFilter} characters");

        int prefixes = 0;
        TextSpan first = SkipSpace(new TextSpan(text));
        for (TextSpan rest = first; !rest.IsAtEnd;)
        {
            (_, TextSpan word) = Next(rest);
            if (word.ToStringValue() is "(" or "!" or "~" or "-" or "*" && ++prefixes > MostPrefixes)
                throw new FilterException(text, word.Position.Absolute, $"more than {MostPrefixes} of `(`, `!`, `~`, `-` and `*`");

            rest = SkipSpace(rest.Skip(word.Length));
        }

        return first;
    }

    /// <summary>The word that a text begins with.</summary>
    internal static (FilterToken Kind, TextSpan Word) Next(TextSpan rest)
    {
        (FilterToken kind, int length) = Next(rest.Source!, rest.Position.Absolute);
        return (kind, rest.First(length));
    }

    /// <summary>What follows spaces and line ends.</summary>
    internal static TextSpan SkipSpace(TextSpan rest)
    {
        int spaces = 0;
        while (spaces < rest.Length && char.IsWhiteSpace(rest[spaces]))
            spaces++;

        return rest.Skip(spaces);
    }

    private static (FilterToken Kind, int Length) Next(string text, int start)
    {
        ReadOnlySpan<char> rest = text.AsSpan(start);
        char first = rest[0];
        if (IsLetter(first))
        {
            int length = 1;
            while (length < rest.Length && IsLetter(rest[length]))
                length++;

            return (char.IsAsciiDigit(first) ? FilterToken.Number : FilterToken.Name, length);
        }

        if (first is '"' or '\'')
            return (first == '"' ? FilterToken.Text : FilterToken.Character, QuotedLength(rest) ?? throw Unknown(text, start));

        foreach (string symbol in Symbols)
        {
            if (rest.StartsWith(symbol, StringComparison.Ordinal))
                return (FilterToken.Symbol, symbol.Length);
        }

        throw Unknown(text, start);
    }

    private static bool IsLetter(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    /// <summary>Up to the same quote without a backslash before it; null where there is none.</summary>
    private static int? QuotedLength(ReadOnlySpan<char> rest)
    {
        for (int i = 1; i < rest.Length; i++)
        {
            if (rest[i] == rest[0])
                return i + 1;
            if (rest[i] == '\\')
                i++;
        }

        return null;
    }

    private static FilterException Unknown(string text, int position)
    {
        string what = text[position] switch
        {
            '"' or '\'' => $"what begins with {text[position]} does not end; expected another {text[position]}",
            '=' => "`=` is not an operator; expected `==`",
            '.' => "there are no fractions; expected a smaller unit, such as 1500us",
            '[' or ']' => "there are no indices; expected *(arg0 + 8) to read memory",
            _ => $"`{text[position]}` is not part of filters; expected a value or an operator",
        };
        return new(text, position, what);
    }
}
