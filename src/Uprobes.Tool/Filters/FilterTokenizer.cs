using Superpower;
using Superpower.Model;
using Superpower.Parsers;
using Superpower.Tokenizers;

namespace Uprobes.Tool.Filters;

/// <summary>Divides a filter into words.</summary>
internal static class FilterTokenizer
{
    private const int LongestFilter = 4096;

    /// <summary>What nests: with these bounded, reading a filter needs a bounded stack.</summary>
    private const int MostPrefixes = 200;

    /// <summary>Longer ones before those that they begin with.</summary>
    private static readonly string[] Symbols =
        ["||", "&&", "==", "!=", "<<", ">>", "<=", ">=", "<", ">", "|", "^", "&", "+", "-", "*", "/", "%", "!", "~", "(", ")"];

    private static readonly Tokenizer<FilterToken> Words = Build();

    /// <summary>The words, at least one.</summary>
    /// <exception cref="FilterException">The text is no sequence of words, too long or too deep.</exception>
    internal static TokenList<FilterToken> Split(string text)
    {
        if (text.Length > LongestFilter)
            throw new FilterException("", 0, $"longer than {LongestFilter} characters");

        Result<TokenList<FilterToken>> result = Words.TryTokenize(text);
        if (!result.HasValue)
            throw Unknown(text, FirstUnknown(text, result.ErrorPosition.Absolute));

        int prefixes = 0;
        foreach (Token<FilterToken> token in result.Value)
        {
            if (token.ToStringValue() is "(" or "!" or "~" or "-" or "*" && ++prefixes > MostPrefixes)
                throw new FilterException(text, token.Position.Absolute, $"more than {MostPrefixes} of `(`, `!`, `~`, `-` and `*`");
        }

        return result.Value;
    }

    private static Tokenizer<FilterToken> Build()
    {
        TextParser<char> letter = Character.Matching(c => char.IsAsciiLetterOrDigit(c) || c == '_', "letter");
        TokenizerBuilder<FilterToken> builder = new TokenizerBuilder<FilterToken>()
            .Ignore(Span.WhiteSpace)
            .Match(Character.Matching(char.IsAsciiDigit, "digit").IgnoreThen(letter.IgnoreMany()), FilterToken.Number)
            .Match(letter.IgnoreThen(letter.IgnoreMany()), FilterToken.Name)
            .Match(Quoted('\''), FilterToken.Character)
            .Match(Quoted('"'), FilterToken.Text);
        foreach (string symbol in Symbols)
            builder.Match(Span.EqualTo(symbol), FilterToken.Symbol);

        return builder.Build();
    }

    private static TextParser<Unit> Quoted(char quote) =>
        from open in Character.EqualTo(quote)
        from inside in Character.EqualTo('\\').IgnoreThen(Character.AnyChar).Or(Character.ExceptIn(quote, '\\')).IgnoreMany()
        from close in Character.EqualTo(quote)
        select Unit.Value;

    /// <summary>The tokenizer tells how far it came, which may be at the end of a text that does not end; its quote is what is wrong.</summary>
    private static int FirstUnknown(string text, int reached)
    {
        char quote = '\0';
        int start = 0;
        for (int i = 0; i < reached && i < text.Length; i++)
        {
            if (quote != 0 && text[i] == '\\')
                i++;
            else if (quote != 0 && text[i] == quote)
                quote = '\0';
            else if (quote == 0 && text[i] is '"' or '\'')
                (quote, start) = (text[i], i);
        }

        return quote == 0 ? Math.Min(reached, text.Length) : start;
    }

    private static FilterException Unknown(string text, int position)
    {
        string what = position < text.Length ? text[position] switch
        {
            '"' or '\'' => $"what begins with {text[position]} does not end; expected another {text[position]}",
            '=' => "`=` is not an operator; expected `==`",
            '.' => "there are no fractions; expected a smaller unit, such as 1500us",
            '[' or ']' => "there are no indices; expected *(arg0 + 8) to read memory",
            _ => $"`{text[position]}` is not part of filters; expected a value or an operator",
        }
        : "ends too soon; expected a value";
        return new(text, position, what);
    }
}
