using Superpower;
using Superpower.Model;
using Superpower.Parsers;

namespace Uprobes.Tool.Filters;

/// <summary>How words make a filter: C's operators with C's precedence.</summary>
internal static class FilterGrammar
{
    private const string ValueWanted = "a value such as arg0, 4096 or (EXPRESSION)", CloserWanted = "an operator or `)`";

    /// <summary>From the loosest to the tightest; those of a row are of one rank, and group from the left.</summary>
    internal static readonly string[][] Ranks =
    [
        ["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!="], ["<", "<=", ">", ">="], ["<<", ">>"], ["+", "-"], ["*", "/", "%"],
    ];

    private static readonly TokenListParser<FilterToken, Token<FilterToken>> Open = Symbol("("), Close = Symbol(")").Named(CloserWanted);

    private static readonly TokenListParser<FilterToken, FilterSyntax> Anything = BuildInfix(Parse.Ref(() => Operand!));

    private static readonly TokenListParser<FilterToken, FilterSyntax> Group =
        from open in Open
        from inside in Anything
        from close in Close
        select inside;

    private static readonly TokenListParser<FilterToken, FilterSyntax> Named =
        from name in Token.EqualTo(FilterToken.Name)
        from argument in Group!.OptionalOrDefault()
        select argument is null
            ? (FilterSyntax)new NameSyntax(name.Position.Absolute, name.ToStringValue())
            : new CallSyntax(name.Position.Absolute, name.ToStringValue(), argument);

    private static readonly TokenListParser<FilterToken, FilterSyntax> Literal =
        Token.EqualTo(FilterToken.Number).Or(Token.EqualTo(FilterToken.Character))
            .Select(t => (FilterSyntax)new NumberSyntax(t.Position.Absolute, t.ToStringValue()))
            .Or(Token.EqualTo(FilterToken.Text).Select(t => (FilterSyntax)new TextSyntax(t.Position.Absolute, t.ToStringValue())));

    private static readonly TokenListParser<FilterToken, FilterSyntax> Prefixed =
        from prefix in AnyOf(["*", "!", "~", "-"])
        from operand in Parse.Ref(() => Operand!)
        select (FilterSyntax)new PrefixSyntax(prefix.Position.Absolute, prefix.ToStringValue(), operand);

    /// <summary>A parenthesis begins a cast if a type and the other parenthesis follow.</summary>
    private static readonly TokenListParser<FilterToken, Token<FilterToken>> Type =
        (from open in Open
         from type in Token.EqualTo(FilterToken.Name).Where(t => FilterTypes.TryGet(t.ToStringValue(), out _))
         from close in Symbol(")")
         select type).Try();

    private static readonly TokenListParser<FilterToken, FilterSyntax> Cast =
        from type in Type
        from operand in Parse.Ref(() => Operand!)
        select (FilterSyntax)new CastSyntax(type.Position.Absolute, type.ToStringValue(), operand);

    private static readonly TokenListParser<FilterToken, FilterSyntax> Operand = Prefixed.Or(Cast).Or(Group).Or(Named).Or(Literal).Named(ValueWanted);

    /// <summary>Reads a filter.</summary>
    /// <exception cref="FilterException">It is none.</exception>
    internal static FilterSyntax Read(string text)
    {
        TokenListParserResult<FilterToken, FilterSyntax> result = Anything(FilterTokenizer.Split(text));
        TokenList<FilterToken> rest = result.Remainder;
        if (result.HasValue && rest.IsAtEnd)
            return result.Value;

        string expected = result.Expectations is { Length: > 0 } expectations && !result.HasValue
            ? string.Join(" or ", expectations.Distinct(StringComparer.Ordinal))
            : "an operator or the end";
        throw rest.IsAtEnd
            ? new FilterException(text, text.Length, $"ends too soon; expected {expected}")
            : Unexpected(text, rest.First(), expected);
    }

    private static FilterException Unexpected(string text, Token<FilterToken> token, string expected) =>
        new(text, token.Position.Absolute, $"unexpected `{token.ToStringValue()}`; expected {expected}");

    private static TokenListParser<FilterToken, FilterSyntax> BuildInfix(TokenListParser<FilterToken, FilterSyntax> operand)
    {
        for (int rank = Ranks.Length - 1; rank >= 0; rank--)
        {
            operand = Parse.Chain(
                AnyOf(Ranks[rank]), operand,
                (symbol, left, right) => new InfixSyntax(symbol.Position.Absolute, symbol.ToStringValue(), left, right));
        }

        return operand;
    }

    private static TokenListParser<FilterToken, Token<FilterToken>> AnyOf(string[] symbols) =>
        Token.EqualTo(FilterToken.Symbol).Where(t => symbols.Contains(t.ToStringValue(), StringComparer.Ordinal));

    private static TokenListParser<FilterToken, Token<FilterToken>> Symbol(string symbol) => Token.EqualToValue(FilterToken.Symbol, symbol);
}
