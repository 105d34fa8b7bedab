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

        void Look(TypedStatement statement, bool isSometimes)
        {
            if (statement is AssignVariable { Variable.Type: TextType, Value: not null } assign)
            {
                all.Add(assign);
                if (isSometimes)
                    chosen.Add(assign.Variable);
            }

            // What a loop asks is asked again in each round; branches and bodies are gone through sometimes.
            foreach (TypedExpression part in StatementParts.Expressions(statement))
                LookInto(part, isSometimes || statement is WhileStatement);
            foreach (TypedStatement inner in StatementParts.Within(statement))
                Look(inner, isSometimes || statement is not BlockStatement);
        }

        void LookInto(TypedExpression expression, bool isSometimes)
        {
            if (expression is BlockExpression block)
                Look(block.Statements, isSometimes);
            bool isChoice = expression is ConditionalExpression or BinaryExpression;
            foreach (TypedExpression part in ExpressionParts.Of(expression))
                LookInto(part, isSometimes || isChoice);
        }
    }
}
