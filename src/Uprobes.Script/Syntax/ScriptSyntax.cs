namespace Uprobes.Script.Syntax;

/// <summary>A whole script, each kind of part in the order of the text.</summary>
internal sealed record ScriptSyntax(
    IReadOnlyList<DefinitionSyntax> Definitions,
    IReadOnlyList<OptionSyntax> Options,
    IReadOnlyList<MapDeclarationSyntax> Maps,
    IReadOnlyList<MacroSyntax> Macros,
    IReadOnlyList<ProbeSyntax> Probes,
    SourceSpan Span) : SyntaxNode(Span)
{
    /// <summary>C headers, in their order.</summary>
    public IReadOnlyList<IncludeSyntax> Includes { get; init; } = [];
}

/// <summary><c>#include</c> of a C header.</summary>
/// <param name="Header">With what stands around it: <c>&lt;x.h&gt;</c> or <c>"x.h"</c>.</param>
/// <param name="Span">Of the line.</param>
internal sealed record IncludeSyntax(string Header, SourceSpan Span) : SyntaxNode(Span);

/// <summary>One line of <c>config = { name = value }</c>.</summary>
/// <param name="Name">As written: <c>stack_mode</c>, or <c>BPFTRACE_STACK_MODE</c>.</param>
/// <param name="Value">An integer, a Boolean, a text, or a bare word as a <see cref="NamedExpressionSyntax"/>.</param>
/// <param name="Span">Of the line.</param>
internal sealed record OptionSyntax(NameSyntax Name, ExpressionSyntax Value, SourceSpan Span) : SyntaxNode(Span);

/// <summary><c>let @name = kind(entries)</c>.</summary>
internal sealed record MapDeclarationSyntax(NameSyntax Map, NameSyntax Kind, ulong Entries, SourceSpan Span) : SyntaxNode(Span);

/// <summary>What a macro's parameter stands for.</summary>
internal enum MacroParameterKind
{
    /// <summary>Any expression, put in wherever the name stands.</summary>
    Expression,

    /// <summary>A variable of the caller.</summary>
    Variable,

    /// <summary>A map.</summary>
    Map,
}

/// <summary>A parameter of a macro: <c>name</c>, <c>$name</c> or <c>@name</c>.</summary>
internal sealed record MacroParameterSyntax(MacroParameterKind Kind, NameSyntax Name);

/// <summary><c>macro name(parameters) { body }</c>.</summary>
internal sealed record MacroSyntax(NameSyntax Name, IReadOnlyList<MacroParameterSyntax> Parameters, BlockSyntax Body, SourceSpan Span) : SyntaxNode(Span);

/// <summary>One or several places, a condition, and what is done there.</summary>
/// <param name="AttachPoints">At least one, unless the text has an error.</param>
/// <param name="Predicate">What stands between slashes; null for none.</param>
/// <param name="Body">A block without a value.</param>
/// <param name="Span">From the first attach point to the closing brace.</param>
internal sealed record ProbeSyntax(IReadOnlyList<AttachPointSyntax> AttachPoints, ExpressionSyntax? Predicate, BlockSyntax Body, SourceSpan Span) : SyntaxNode(Span);

/// <summary>
/// A place for a probe, as written, quotes and all: it is taken apart when the script is checked, after positional parameters
/// were put in.
/// </summary>
/// <param name="Name">What stands before an equals sign; null for none.</param>
/// <param name="Text">The rest.</param>
/// <param name="Span">Of both.</param>
internal sealed record AttachPointSyntax(NameSyntax? Name, string Text, SourceSpan Span) : SyntaxNode(Span);
