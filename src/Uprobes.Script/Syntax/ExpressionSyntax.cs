using System.Text;

namespace Uprobes.Script.Syntax;

/// <summary>Something that has a value, or does something in the place of a value.</summary>
internal abstract record ExpressionSyntax(SourceSpan Span) : SyntaxNode(Span);

/// <summary>What stands where an expression is missing; the error is told already.</summary>
internal sealed record MissingSyntax(SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>42</c>, <c>0x2a</c>, <c>10ms</c>.</summary>
internal sealed record IntegerSyntax(ulong Value, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>true</c>, <c>false</c>.</summary>
internal sealed record BooleanSyntax(bool Value, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>"text"</c>, its escapes replaced.</summary>
internal sealed record TextSyntax(ReadOnlyMemory<byte> Bytes, SourceSpan Span) : ExpressionSyntax(Span)
{
    internal string Value => Encoding.UTF8.GetString(Bytes.Span);
}

/// <summary>A bare name: a builtin, a constant, a macro or its parameter.</summary>
internal sealed record NamedExpressionSyntax(string Name, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>$name</c>.</summary>
internal sealed record VariableSyntax(string Name, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>@name</c>, <c>@name[key]</c>, <c>@name[key, key]</c>.</summary>
/// <param name="Name">Without the sigil; empty for <c>@</c>.</param>
/// <param name="Keys">Null where no brackets follow.</param>
/// <param name="NameSpan">Of the name and its sigil.</param>
/// <param name="Span">With the keys.</param>
internal sealed record MapSyntax(string Name, IReadOnlyList<ExpressionSyntax>? Keys, SourceSpan NameSpan, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>$1</c>.</summary>
internal sealed record PositionalSyntax(int Number, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>$#</c>.</summary>
internal sealed record PositionalCountSyntax(SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>-operand</c> and its like.</summary>
internal sealed record UnarySyntax(UnaryOperatorSyntax Operator, ExpressionSyntax Operand, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>++target</c>, <c>target--</c>.</summary>
internal sealed record IncrementSyntax(ExpressionSyntax Target, bool IsIncrement, bool IsPrefix, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>&amp;$variable</c>, <c>&amp;@map</c>.</summary>
internal sealed record AddressSyntax(ExpressionSyntax Target, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>left + right</c> and its like.</summary>
/// <param name="Operator">Between them.</param>
/// <param name="Left">The left operand.</param>
/// <param name="Right">The right operand.</param>
/// <param name="OperatorSpan">Of the operator's symbol.</param>
/// <param name="Span">Of all.</param>
internal sealed record BinarySyntax(BinaryOperatorSyntax Operator, ExpressionSyntax Left, ExpressionSyntax Right, SourceSpan OperatorSpan, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>condition ? whenTrue : whenFalse</c>; without the middle the condition is the value.</summary>
internal sealed record ConditionalSyntax(ExpressionSyntax Condition, ExpressionSyntax? WhenTrue, ExpressionSyntax WhenFalse, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>(type)operand</c>.</summary>
internal sealed record CastSyntax(TypeSyntax Type, ExpressionSyntax Operand, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>sizeof(type)</c> or <c>sizeof(expression)</c>: one of them is null.</summary>
internal sealed record SizeofSyntax(TypeSyntax? Type, ExpressionSyntax? Expression, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>offsetof(type, field.field)</c>, or with an expression in the place of the type: one of them is null.</summary>
internal sealed record OffsetofSyntax(TypeSyntax? Type, ExpressionSyntax? Expression, IReadOnlyList<NameSyntax> Fields, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>target.name</c>, and <c>target->name</c>, which is the same.</summary>
internal sealed record MemberSyntax(ExpressionSyntax Target, NameSyntax Name, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>target.0</c>: an element of a tuple.</summary>
internal sealed record ElementSyntax(ExpressionSyntax Target, int Index, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>target[index]</c>.</summary>
internal sealed record IndexSyntax(ExpressionSyntax Target, ExpressionSyntax Index, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>name(arguments)</c>: a function or a macro.</summary>
internal sealed record CallSyntax(NameSyntax Name, IReadOnlyList<ExpressionSyntax> Arguments, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>(a, b)</c>, <c>(a,)</c>, <c>()</c>.</summary>
internal sealed record TupleSyntax(IReadOnlyList<ExpressionSyntax> Elements, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>(a = 1, b = 2)</c>.</summary>
internal sealed record RecordSyntax(IReadOnlyList<RecordFieldSyntax> Fields, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary>A named element of a record.</summary>
internal sealed record RecordFieldSyntax(NameSyntax Name, ExpressionSyntax Value, SourceSpan Span) : SyntaxNode(Span);

/// <summary><c>{ statements; result }</c>. Without a result it has no value.</summary>
internal sealed record BlockSyntax(IReadOnlyList<StatementSyntax> Statements, ExpressionSyntax? Result, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>if (condition) { … } else { … }</c>.</summary>
/// <param name="Condition">What decides.</param>
/// <param name="Then">Done, or the value, where it holds.</param>
/// <param name="Else">A <see cref="BlockSyntax"/>, another <see cref="IfSyntax"/>, or null.</param>
/// <param name="Span">Of all.</param>
internal sealed record IfSyntax(ExpressionSyntax Condition, BlockSyntax Then, ExpressionSyntax? Else, SourceSpan Span) : ExpressionSyntax(Span);

/// <summary><c>comptime operand</c>: must be known when the script is compiled.</summary>
internal sealed record ComptimeSyntax(ExpressionSyntax Operand, SourceSpan Span) : ExpressionSyntax(Span);
