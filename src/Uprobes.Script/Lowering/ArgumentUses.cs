using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Where an action uses the arguments of its probe.</summary>
internal static class ArgumentUses
{
    /// <summary>All uses, in no certain order.</summary>
    internal static IEnumerable<ArgumentExpression> In(TypedProbe probe) =>
        (probe.Predicate is { } predicate ? In(predicate) : []).Concat(In(probe.Body));

    private static IEnumerable<ArgumentExpression> In(TypedStatement statement) =>
        StatementParts.Expressions(statement).SelectMany(In).Concat(StatementParts.Within(statement).SelectMany(In));

    private static IEnumerable<ArgumentExpression> In(TypedExpression? expression) => expression switch
    {
        null => [],
        ArgumentExpression argument => [argument],
        BlockExpression block => In(block.Statements).Concat(In(block.Result)),
        _ => ExpressionParts.Of(expression).SelectMany(In),
    };
}
