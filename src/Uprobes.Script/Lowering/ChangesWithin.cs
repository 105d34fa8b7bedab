using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Finds the variables and maps that an action changes within expressions: by <c>++</c> and <c>--</c> whose value is used, and in blocks that are values.</summary>
internal static class ChangesWithin
{
    /// <summary>The symbols: <see cref="VariableSymbol"/> and <see cref="MapSymbol"/>.</summary>
    internal static IReadOnlySet<object> Of(TypedProbe probe)
    {
        HashSet<object> changed = [];
        if (probe.Predicate is { } predicate)
            Look(predicate, changed);
        Look(probe.Body, changed);
        return changed;
    }

    private static void Look(TypedStatement statement, HashSet<object> changed, bool isInValue = false)
    {
        switch (statement)
        {
            case ExpressionStatement { Expression: IncrementExpression { Target: MapExpression { Key: var key } } } when !isInValue: // by itself it is a statement
                Look(key, changed);
                return;
            case ExpressionStatement { Expression: IncrementExpression } when !isInValue:
                return;
            case AssignVariable { Variable: var variable } when isInValue:
                changed.Add(variable);
                break;
            case AssignMap { Map: var map } when isInValue:
                changed.Add(map);
                break;
            case AggregateStatement { Map: var map } when isInValue:
                changed.Add(map);
                break;
        }

        foreach (TypedExpression part in StatementParts.Expressions(statement))
            Look(part, changed);
        foreach (TypedStatement inner in StatementParts.Within(statement))
            Look(inner, changed, isInValue);
    }

    private static void Look(TypedExpression? expression, HashSet<object> changed)
    {
        switch (expression)
        {
            case null:
                return;
            case IncrementExpression { Target: VariableExpression { Variable: var variable } }:
                changed.Add(variable);
                break;
            case IncrementExpression { Target: MapExpression { Map: var map } }:
                changed.Add(map);
                break;
            case BlockExpression block:
                Look(block.Statements, changed, isInValue: true);
                break;
        }

        foreach (TypedExpression part in ExpressionParts.Of(expression))
            Look(part, changed);
    }
}
