namespace Uprobes.Script.Syntax;

/// <summary>A type as written.</summary>
internal abstract record TypeSyntax(SourceSpan Span) : SyntaxNode(Span);

/// <summary>What stands before a type's name.</summary>
internal enum TypeKeyword
{
    None,
    Struct,
    Union,
    Enum,
}

/// <summary><c>uint64</c>, <c>struct foo</c>, <c>unsigned long</c> (one space between words).</summary>
internal sealed record NamedTypeSyntax(TypeKeyword Keyword, string Name, SourceSpan Span) : TypeSyntax(Span);

/// <summary><c>target *</c>.</summary>
internal sealed record PointerTypeSyntax(TypeSyntax Target, SourceSpan Span) : TypeSyntax(Span);

/// <summary><c>element[count]</c>; also <c>string[64]</c> and <c>buffer[64]</c>. Without a count, what it is made from decides.</summary>
internal sealed record ArrayTypeSyntax(TypeSyntax Element, ExpressionSyntax? Count, SourceSpan Span) : TypeSyntax(Span);

/// <summary><c>typeof(expression)</c>.</summary>
internal sealed record TypeofSyntax(ExpressionSyntax Expression, SourceSpan Span) : TypeSyntax(Span);
