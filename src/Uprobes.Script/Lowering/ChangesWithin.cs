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

    private static void Look(TypedStatement? statement, HashSet<object> changed, bool isInValue = false)
    {
        switch (statement)
        {
            case BlockStatement block:
                foreach (TypedStatement inner in block.Statements)
                    Look(inner, changed, isInValue);
                break;
            case ExpressionStatement { Expression: IncrementExpression { Target: MapExpression { Key: var key } } } when !isInValue: // by itself it is a statement
                Look(key, changed);
                break;
            case ExpressionStatement { Expression: IncrementExpression } when !isInValue:
                break;
            case ExpressionStatement expression:
                Look(expression.Expression, changed);
                break;
            case AssignVariable assign:
                if (isInValue)
                    changed.Add(assign.Variable);
                Look(assign.Value, changed);
                break;
            case AssignMap assign:
                if (isInValue)
                    changed.Add(assign.Map);
                Look(assign.Key, changed);
                Look(assign.Value, changed);
                break;
            case AggregateStatement aggregate:
                if (isInValue)
                    changed.Add(aggregate.Map);
                Look(aggregate.Key, changed);
                Look(aggregate.Value, changed);
                break;
            case IfStatement choice:
                Look(choice.Condition, changed);
                Look(choice.Then, changed, isInValue);
                Look(choice.Else, changed, isInValue);
                break;
            case WhileStatement loop:
                Look(loop.Condition, changed);
                Look(loop.Body, changed, isInValue);
                break;
            case UnrollStatement loop:
                Look(loop.Body, changed, isInValue);
                break;
            case ForRangeStatement loop:
                Look(loop.Start, changed);
                Look(loop.End, changed);
                Look(loop.Body, changed, isInValue);
                break;
            case ForMapStatement loop:
                Look(loop.Body, changed, isInValue);
                break;
        }
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
