using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Running;

/// <summary>
/// A value that a program in the target left for the action: stands in trees whose other parts the program has done already.
/// </summary>
/// <param name="Index">Its place in <see cref="ActionOccasion.Fields"/>.</param>
/// <param name="Type">Of the value.</param>
/// <param name="Span">The expression that it stands for.</param>
internal sealed record FieldExpression(int Index, ScriptType Type, SourceSpan Span) : TypedExpression(Type, Span);
