namespace Uprobes.Script.Syntax;

/// <summary>A definition in C.</summary>
internal abstract record DefinitionSyntax(SourceSpan Span) : SyntaxNode(Span);

/// <summary>
/// <c>struct name { … }</c>, <c>union name { … }</c>, with a name of its own where it is anonymous inside of another one
/// (<c>outer::(anonymous 0)</c>).
/// </summary>
internal sealed record StructSyntax(bool IsUnion, NameSyntax Name, IReadOnlyList<FieldSyntax> Fields, bool IsPacked, SourceSpan Span) : DefinitionSyntax(Span);

/// <summary>A member of a struct.</summary>
/// <param name="Name">Null for an anonymous struct or union, whose members belong to the outer one, and for unnamed bit fields.</param>
/// <param name="Type">Its type.</param>
/// <param name="Bits">Width of a bit field; null for none.</param>
/// <param name="Span">Of the declaration.</param>
internal sealed record FieldSyntax(NameSyntax? Name, TypeSyntax Type, ExpressionSyntax? Bits, SourceSpan Span) : SyntaxNode(Span);

/// <summary><c>enum name { … }</c>; without a name it defines constants only.</summary>
internal sealed record EnumSyntax(NameSyntax? Name, IReadOnlyList<EnumMemberSyntax> Members, SourceSpan Span) : DefinitionSyntax(Span);

/// <summary>A constant of an enum. Without a value it is the one before plus 1.</summary>
internal sealed record EnumMemberSyntax(NameSyntax Name, ExpressionSyntax? Value, SourceSpan Span) : SyntaxNode(Span);

/// <summary><c>typedef type name;</c>.</summary>
internal sealed record TypedefSyntax(NameSyntax Name, TypeSyntax Type, SourceSpan Span) : DefinitionSyntax(Span);

/// <summary><c>#define name expression</c>. Without an expression the name only says that it is defined.</summary>
internal sealed record DefineSyntax(NameSyntax Name, ExpressionSyntax? Value, SourceSpan Span) : DefinitionSyntax(Span);
