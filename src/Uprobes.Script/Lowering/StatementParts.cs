using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>What a statement is made of.</summary>
internal static class StatementParts
{
    /// <summary>The expressions directly in one, not those of statements within it.</summary>
    internal static IEnumerable<TypedExpression> Expressions(TypedStatement statement)
    {
        IEnumerable<TypedExpression?> parts = statement switch
        {
            ExpressionStatement expression => [expression.Expression],
            AssignVariable assign => [assign.Value],
            AssignMap assign => [assign.Key, assign.Value],
            AggregateStatement aggregate => [aggregate.Key, aggregate.Value],
            WriteRegister write => [write.Value],
            IfStatement choice => [choice.Condition],
            WhileStatement loop => [loop.Condition],
            ForRangeStatement loop => [loop.Start, loop.End],
            ReturnStatement end => [end.Value],
            _ => [],
        };
        return parts.OfType<TypedExpression>();
    }

    /// <summary>The statements directly within one.</summary>
    internal static IEnumerable<TypedStatement> Within(TypedStatement statement) => statement switch
    {
        BlockStatement block => block.Statements,
        IfStatement { Else: { } otherwise } choice => [choice.Then, otherwise],
        IfStatement choice => [choice.Then],
        WhileStatement loop => [loop.Body],
        UnrollStatement loop => [loop.Body],
        ForRangeStatement loop => [loop.Body],
        ForMapStatement loop => [loop.Body],
        _ => [],
    };
}
