namespace Uprobes.Script.Syntax;

/// <summary>A part of a script's tree.</summary>
/// <param name="Span">From its first to its last character.</param>
internal abstract record SyntaxNode(SourceSpan Span);

/// <summary>A name and where it is written, without a sigil.</summary>
internal readonly record struct NameSyntax(string Text, SourceSpan Span);
