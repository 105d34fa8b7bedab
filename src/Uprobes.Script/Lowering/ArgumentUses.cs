using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Where an action uses the arguments of its probe.</summary>
internal static class ArgumentUses
{
    /// <summary>All uses, in no certain order.</summary>
    internal static IEnumerable<ArgumentExpression> In(TypedProbe probe) =>
        (probe.Predicate is { } predicate ? In(predicate) : []).Concat(In(probe.Body));

    private static IEnumerable<ArgumentExpression> In(TypedStatement? statement) => statement switch
    {
        BlockStatement block => block.Statements.SelectMany(In),
        ExpressionStatement expression => In(expression.Expression),
        AssignVariable { Value: { } value } => In(value),
        AssignMap assign => In(assign.Key).Concat(In(assign.Value)),
        AggregateStatement aggregate => In(aggregate.Key).Concat(In(aggregate.Value)),
        IfStatement choice => In(choice.Condition).Concat(In(choice.Then)).Concat(In(choice.Else)),
        WhileStatement loop => In(loop.Condition).Concat(In(loop.Body)),
        UnrollStatement loop => In(loop.Body),
        ForRangeStatement loop => In(loop.Start).Concat(In(loop.End)).Concat(In(loop.Body)),
        ForMapStatement loop => In(loop.Body),
        WriteRegister write => In(write.Value),
        ReturnStatement { Value: { } result } => In(result),
        _ => [],
    };

    private static IEnumerable<ArgumentExpression> In(TypedExpression? expression) => expression switch
    {
        null => [],
        ArgumentExpression argument => [argument],
        BlockExpression block => In(block.Statements).Concat(In(block.Result)),
        _ => ExpressionParts.Of(expression).SelectMany(In),
    };
}
