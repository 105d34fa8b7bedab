namespace Uprobes.Script.Syntax;

/// <summary>Something that is done.</summary>
internal abstract record StatementSyntax(SourceSpan Span) : SyntaxNode(Span);

/// <summary>An expression for what it does; an if, a block and a call without a value too.</summary>
internal sealed record ExpressionStatementSyntax(ExpressionSyntax Expression, SourceSpan Span) : StatementSyntax(Span);

/// <summary><c>target = value</c>, or <c>target += value</c> with an operator.</summary>
/// <param name="Target">A <see cref="VariableSyntax"/>, a <see cref="MapSyntax"/>, or a call of reg().</param>
/// <param name="Operator">Null for a plain assignment.</param>
/// <param name="Value">The right side.</param>
/// <param name="Span">Without the semicolon.</param>
internal sealed record AssignmentSyntax(ExpressionSyntax Target, BinaryOperatorSyntax? Operator, ExpressionSyntax Value, SourceSpan Span) : StatementSyntax(Span);

/// <summary><c>let $variable: type = value</c>.</summary>
internal sealed record LetSyntax(VariableSyntax Variable, TypeSyntax? Type, ExpressionSyntax? Value, SourceSpan Span) : StatementSyntax(Span);

/// <summary><c>_ = value</c>: the value is not wanted, on purpose.</summary>
internal sealed record DiscardSyntax(ExpressionSyntax Value, SourceSpan Span) : StatementSyntax(Span);

/// <summary><c>while (condition) { … }</c>.</summary>
internal sealed record WhileSyntax(ExpressionSyntax Condition, BlockSyntax Body, SourceSpan Span) : StatementSyntax(Span);

/// <summary><c>unroll (count) { … }</c>.</summary>
internal sealed record UnrollSyntax(ExpressionSyntax Count, BlockSyntax Body, SourceSpan Span) : StatementSyntax(Span);

/// <summary><c>for ($variable : @map) { … }</c>.</summary>
internal sealed record ForMapSyntax(VariableSyntax Variable, MapSyntax Map, BlockSyntax Body, SourceSpan Span) : StatementSyntax(Span);

/// <summary><c>for ($variable : start..end) { … }</c>; the end is not reached.</summary>
internal sealed record ForRangeSyntax(VariableSyntax Variable, ExpressionSyntax Start, ExpressionSyntax End, BlockSyntax Body, SourceSpan Span) : StatementSyntax(Span);

/// <summary>Where a jump goes.</summary>
internal enum JumpKind
{
    Break,
    Continue,
    Return,
}

/// <summary><c>break</c>, <c>continue</c>, <c>return</c>, <c>return value</c>.</summary>
internal sealed record JumpSyntax(JumpKind Kind, ExpressionSyntax? Value, SourceSpan Span) : StatementSyntax(Span);
