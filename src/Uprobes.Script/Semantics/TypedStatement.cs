using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>A statement whose expressions have types.</summary>
internal abstract record TypedStatement(SourceSpan Span);

/// <summary>Several, one after the other.</summary>
internal sealed record BlockStatement(IReadOnlyList<TypedStatement> Statements, SourceSpan Span) : TypedStatement(Span);

/// <summary>An expression for what it does.</summary>
internal sealed record ExpressionStatement(TypedExpression Expression, SourceSpan Span) : TypedStatement(Span);

/// <summary>Gives a variable a value of its type; null in a declaration without a value, which makes it 0 or an empty text.</summary>
internal sealed record AssignVariable(VariableSymbol Variable, TypedExpression? Value, SourceSpan Span) : TypedStatement(Span);

/// <summary>
/// Gives a map a value. In <c>@a[key] += 1</c> the value reads the map by the same object for its key, which is to be
/// evaluated once.
/// </summary>
internal sealed record AssignMap(MapSymbol Map, TypedExpression? Key, TypedExpression Value, SourceSpan Span) : TypedStatement(Span);

/// <summary>Puts a value into a map that aggregates, in the way of <see cref="MapSymbol.ValueType"/>: an integer of 64 bits, or null for count().</summary>
internal sealed record AggregateStatement(MapSymbol Map, TypedExpression? Key, TypedExpression? Value, SourceSpan Span) : TypedStatement(Span);

/// <summary>Writes a register of the probed thread.</summary>
internal sealed record WriteRegister(string Register, TypedExpression Value, SourceSpan Span) : TypedStatement(Span);

/// <summary>Does one of two things.</summary>
internal sealed record IfStatement(TypedExpression Condition, TypedStatement Then, TypedStatement? Else, SourceSpan Span) : TypedStatement(Span);

/// <summary>Goes on while a condition holds.</summary>
internal sealed record WhileStatement(TypedExpression Condition, TypedStatement Body, SourceSpan Span) : TypedStatement(Span);

/// <summary>A stated number of times, 1 to 100.</summary>
internal sealed record UnrollStatement(int Count, TypedStatement Body, SourceSpan Span) : TypedStatement(Span);

/// <summary>For every integer from a start up to, not including, an end; both are evaluated once and have the variable's type.</summary>
internal sealed record ForRangeStatement(VariableSymbol Variable, TypedExpression Start, TypedExpression End, TypedStatement Body, SourceSpan Span) : TypedStatement(Span);

/// <summary>For every entry of a map; the variable is a tuple of key and value.</summary>
internal sealed record ForMapStatement(VariableSymbol Variable, MapSymbol Map, TypedStatement Body, SourceSpan Span) : TypedStatement(Span);

/// <summary>Leaves the innermost loop, or goes on with its next round.</summary>
internal sealed record LoopJump(bool IsBreak, SourceSpan Span) : TypedStatement(Span);

/// <summary>Ends the probe's action; a benchmark or a test may say something by it.</summary>
internal sealed record ReturnStatement(TypedExpression? Value, SourceSpan Span) : TypedStatement(Span);
