namespace Uprobes.Script.Syntax;

/// <summary>What a word of a script is.</summary>
internal enum TokenKind
{
    EndOfText,

    /// <summary>A name or a keyword: letters, digits and underscores.</summary>
    Word,

    /// <summary><c>$name</c>.</summary>
    Variable,

    /// <summary><c>@name</c>, or <c>@</c> alone.</summary>
    Map,

    /// <summary><c>$1</c>.</summary>
    Positional,

    /// <summary><c>$#</c>.</summary>
    PositionalCount,

    Integer,

    /// <summary>Characters between quotes.</summary>
    Text,

    /// <summary>A line that begins with <c>#</c>.</summary>
    Directive,

    /// <summary>An operator or a bracket.</summary>
    Symbol,

    /// <summary>A character that no word begins with.</summary>
    Unknown,
}

/// <summary>A word of a script.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Span">Where it is.</param>
/// <param name="Word">A name without its sigil, or a symbol; empty for the other kinds.</param>
internal readonly record struct Token(TokenKind Kind, SourceSpan Span, string Word = "")
{
    /// <summary>An integer's value, or the number of a positional parameter.</summary>
    internal ulong Value { get; init; }

    /// <summary>What the characters between quotes stand for.</summary>
    internal ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>What is wrong with it; it can be used nevertheless. Null where nothing is.</summary>
    internal TokenProblem? Problem { get; init; }

    internal bool Is(string symbol) => Kind == TokenKind.Symbol && Word == symbol;

    internal bool IsWord(string word) => Kind == TokenKind.Word && Word == word;
}

/// <summary>Why a token is malformed.</summary>
/// <param name="Span">What is.</param>
/// <param name="Message">Why.</param>
/// <param name="Hint">What to do about it.</param>
/// <param name="SwallowsText">Whether text was taken for a part of it that its author meant as something else.</param>
internal sealed record TokenProblem(SourceSpan Span, string Message, string? Hint = null, bool SwallowsText = false);
