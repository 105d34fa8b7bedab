using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Statements.</summary>
internal sealed partial class ActionLowering
{
    private void LowerStatement(TypedStatement statement)
    {
        switch (statement)
        {
            case BlockStatement block:
                foreach (TypedStatement inner in block.Statements)
                    LowerStatement(inner);
                break;
            case ExpressionStatement expression:
                LowerEffect(expression.Expression);
                break;
            case AssignVariable assign:
                Assign(assign);
                break;
            case AssignMap assign when maps.IsForReader(assign.Map):
                Send(statement);
                break;
            case AssignMap assign:
                AssignTo(assign);
                break;
            case AggregateStatement aggregate when maps.IsForReader(aggregate.Map):
                Send(statement);
                break;
            case AggregateStatement aggregate:
                int map = maps.IndexOf(aggregate.Map);
                _statements.Add(new Programs.Aggregate(map, Key(aggregate.Map, aggregate.Key),
                    aggregate.Value is null || maps.Maps[map].Definition.Kind == AggregateKind.Count ? null : IntegerAs(aggregate.Value, maps.Maps[map].Definition.ValueType)));
                break;
            case IfStatement choice:
                LowerIf(choice.Condition, () => LowerStatement(choice.Then), choice.Else is { } other ? () => LowerStatement(other) : null);
                break;
            case UnrollStatement loop:
                LowerTimes(loop.Count, loop.Span, () => LowerStatement(loop.Body));
                break;
            case ForRangeStatement loop:
                LowerRange(loop);
                break;
            case WhileStatement loop:
                LowerWhile(loop);
                break;
            case LoopJump jump:
                _statements.Add(jump.IsBreak ? new Break() : new Continue());
                break;
            case ReturnStatement { Value: null }:
                _statements.Add(new Stop());
                break;
            case WriteRegister:
                throw new LoweringException(statement.Span, "registers are written of a thread that waits for it");
            case ForMapStatement:
                throw new LoweringException(statement.Span, "a map is gone through");
            default:
                throw new LoweringException(statement.Span, "programs in the target cannot do that");
        }
    }

    private void LowerIf(TypedExpression condition, Action then, Action? otherwise)
    {
        Expression decides = Condition(condition);
        _statements.Add(new If(decides, Within(then), otherwise is null ? [] : Within(otherwise)));
    }

    private int LocalOf(VariableSymbol variable)
    {
        if (!_variables.TryGetValue(variable, out int local))
            _variables.Add(variable, local = NewLocal(StoredTypes.Of(variable.Type)));
        return local;
    }

    private void AssignTo(AssignMap assign)
    {
        int index = maps.IndexOf(assign.Map);
        LoweredMap map = maps.Maps[index];
        if (map.IsCounter && MapUses.Addend(assign, out bool subtracts) is { } addend)
        {
            _statements.Add(new Programs.Aggregate(index, Key(assign.Map, assign.Key), Signed(IntegerAs(addend, map.Definition.ValueType), subtracts)));
            return;
        }

        List<Expression> key = Reads(assign.Value, assign.Key) ? KeptKey(assign.Map, assign.Key) : Key(assign.Map, assign.Key);
        _assignedKeys.Push((assign.Key, key));
        Expression value = IntegerAs(assign.Value, map.Definition.ValueType);
        _assignedKeys.Pop();
        _statements.Add(new Programs.Aggregate(index, key, value));
    }

    private static Expression Signed(Expression value, bool isNegative) => isNegative ? new Unary(UnaryOperator.Negate, value) : value;

    private void LowerIncrement(IncrementExpression increment)
    {
        switch (increment.Target)
        {
            case VariableExpression { Variable: var variable }:
                DataType type = StoredTypes.Of(variable.Type);
                int local = LocalOf(variable);
                _statements.Add(new SetLocal(local, new Binary(BinaryOperator.Add, new LocalValue(local, type), new Constant(type.Wrap(increment.Step), type))));
                break;
            case MapExpression target:
                int index = maps.IndexOf(target.Map);
                DataType held = maps.Maps[index].Definition.ValueType;
                IReadOnlyList<Expression> key = maps.Maps[index].IsCounter ? Key(target.Map, target.Key) : KeptKey(target.Map, target.Key);
                Expression step = new Constant(held.Wrap(increment.Step), held);
                _statements.Add(new Programs.Aggregate(index, key,
                    maps.Maps[index].IsCounter ? step : new Binary(BinaryOperator.Add, new MapValue(index, key, held), step)));
                break;
            default:
                throw Refuse(increment, "programs in the target cannot do that");
        }
    }
}
