using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Finds the variables that hold one text or another, by a condition or in a loop.</summary>
internal static class ChosenTexts
{
    /// <summary>The variables, all of them of texts.</summary>
    internal static HashSet<VariableSymbol> Of(TypedProbe probe)
    {
        List<AssignVariable> all = [];
        HashSet<VariableSymbol> chosen = [];
        Look(probe.Body, false);

        // What is given such a text holds one itself.
        bool isNew = true;
        while (isNew)
        {
            isNew = false;
            foreach (AssignVariable assign in all)
                isNew |= IsChosen(assign.Value!) && chosen.Add(assign.Variable);
        }

        return chosen;

        bool IsChosen(TypedExpression value) => StoredTypes.WithoutTextCasts(value) switch
        {
            ConditionalExpression => true,
            ElementExpression => true,
            BlockExpression { Result: { } result } => IsChosen(result),
            VariableExpression variable => chosen.Contains(variable.Variable),
            _ => false,
        };

        void Look(TypedStatement? statement, bool isSometimes)
        {
            switch (statement)
            {
                case BlockStatement block:
                    foreach (TypedStatement inner in block.Statements)
                        Look(inner, isSometimes);
                    break;
                case AssignVariable { Variable.Type: TextType, Value: { } value } assign:
                    all.Add(assign);
                    if (isSometimes)
                        chosen.Add(assign.Variable);
                    LookInto(value, isSometimes);
                    break;
                case AssignVariable { Value: { } value }:
                    LookInto(value, isSometimes);
                    break;
                case ExpressionStatement expression:
                    LookInto(expression.Expression, isSometimes);
                    break;
                case AssignMap assign:
                    LookInto(assign.Key, isSometimes);
                    LookInto(assign.Value, isSometimes);
                    break;
                case AggregateStatement aggregate:
                    LookInto(aggregate.Key, isSometimes);
                    LookInto(aggregate.Value, isSometimes);
                    break;
                case IfStatement choice:
                    LookInto(choice.Condition, isSometimes);
                    Look(choice.Then, true);
                    Look(choice.Else, true);
                    break;
                case WhileStatement loop:
                    LookInto(loop.Condition, true);
                    Look(loop.Body, true);
                    break;
                case UnrollStatement loop:
                    Look(loop.Body, true);
                    break;
                case ForRangeStatement loop:
                    Look(loop.Body, true);
                    break;
                case ForMapStatement loop:
                    Look(loop.Body, true);
                    break;
            }
        }

        void LookInto(TypedExpression? expression, bool isSometimes)
        {
            if (expression is null)
                return;
            if (expression is BlockExpression block)
                Look(block.Statements, isSometimes);
            bool isChoice = expression is ConditionalExpression or BinaryExpression;
            foreach (TypedExpression part in ExpressionParts.Of(expression))
                LookInto(part, isSometimes || isChoice);
        }
    }
}
