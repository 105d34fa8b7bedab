using Superpower;
using Superpower.Model;

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

    private static readonly TextParser<TextSpan> Open = Symbol("("), Close = Symbol(")").Named(CloserWanted);

    private static readonly TextParser<FilterSyntax> Anything = BuildInfix(Parse.Ref(() => Operand!));

    private static readonly TextParser<FilterSyntax> Group =
        from open in Open
        from inside in Anything
        from close in Close
        select inside;

    private static readonly TextParser<FilterSyntax> Named =
        from name in Word(FilterToken.Name)
        from argument in Group!.OptionalOrDefault()
        select argument is null
            ? (FilterSyntax)new NameSyntax(name.Position.Absolute, name.ToStringValue())
            : new CallSyntax(name.Position.Absolute, name.ToStringValue(), argument);

    private static readonly TextParser<FilterSyntax> Literal =
        Word(FilterToken.Number).Or(Word(FilterToken.Character))
            .Select(t => (FilterSyntax)new NumberSyntax(t.Position.Absolute, t.ToStringValue()))
            .Or(Word(FilterToken.Text).Select(t => (FilterSyntax)new TextSyntax(t.Position.Absolute, t.ToStringValue())));

    private static readonly TextParser<FilterSyntax> Prefixed =
        from prefix in AnyOf(["*", "!", "~", "-"])
        from operand in Parse.Ref(() => Operand!)
        select (FilterSyntax)new PrefixSyntax(prefix.Position.Absolute, prefix.ToStringValue(), operand);

    /// <summary>A parenthesis begins a cast if a type and the other parenthesis follow.</summary>
    private static readonly TextParser<TextSpan> Type =
        (from open in Open
         from type in Word(FilterToken.Name, t => FilterTypes.TryGet(t.ToStringValue(), out _))
         from close in Symbol(")")
         select type).Try();

    private static readonly TextParser<FilterSyntax> Cast =
        from type in Type
        from operand in Parse.Ref(() => Operand!)
        select (FilterSyntax)new CastSyntax(type.Position.Absolute, type.ToStringValue(), operand);

    private static readonly TextParser<FilterSyntax> Operand = Prefixed.Or(Cast).Or(Group).Or(Named).Or(Literal).Named(ValueWanted);

    /// <summary>Reads a filter.</summary>
    /// <exception cref="FilterException">It is none.</exception>
    internal static FilterSyntax Read(string text)
    {
        Result<FilterSyntax> result = Anything(FilterTokenizer.Check(text));
        TextSpan rest = result.Remainder;
        if (result.HasValue && rest.IsAtEnd)
            return result.Value;

        string expected = result.Expectations is { Length: > 0 } expectations && !result.HasValue
            ? string.Join(" or ", expectations.Distinct(StringComparer.Ordinal))
            : "an operator or the end";
        throw rest.IsAtEnd
            ? new FilterException(text, text.Length, $"ends too soon; expected {expected}")
            : new FilterException(text, rest.Position.Absolute, $"unexpected `{FilterTokenizer.Next(rest).Word}`; expected {expected}");
    }

    private static TextParser<FilterSyntax> BuildInfix(TextParser<FilterSyntax> operand)
    {
        for (int rank = Ranks.Length - 1; rank >= 0; rank--)
        {
            operand = Parse.Chain(
                AnyOf(Ranks[rank]), operand,
                (symbol, left, right) => new InfixSyntax(symbol.Position.Absolute, symbol.ToStringValue(), left, right));
        }

        return operand;
    }

    private static TextParser<TextSpan> AnyOf(string[] symbols) =>
        Word(FilterToken.Symbol, t => symbols.Contains(t.ToStringValue(), StringComparer.Ordinal));

    private static TextParser<TextSpan> Symbol(string symbol) => AnyOf([symbol]);

    /// <summary>
    /// A word of a kind, with a property. Superpower's own lists of words look for attributes of their kinds by reflection, which does not go with
    /// trimming; so the words are taken from the text as they are wanted.
    /// </summary>
    private static TextParser<TextSpan> Word(FilterToken kind, Func<TextSpan, bool> isWanted) => input =>
    {
        if (input.IsAtEnd)
            return Result.Empty<TextSpan>(input);

        (FilterToken found, TextSpan word) = FilterTokenizer.Next(input);
        return found == kind && isWanted(word)
            ? Result.Value(word, input, FilterTokenizer.SkipSpace(input.Skip(word.Length)))
            : Result.Empty<TextSpan>(input);
    };

    private static TextParser<TextSpan> Word(FilterToken kind) => Word(kind, _ => true);
}
