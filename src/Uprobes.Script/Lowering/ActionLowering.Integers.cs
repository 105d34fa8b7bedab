using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Lowering;

/// <summary>Scalars.</summary>
internal sealed partial class ActionLowering
{
    private const int StackPointer = 4, WordSize = 8;

    /// <summary>How many operators that may leave out an operand are around what is lowered.</summary>
    private int _maybes;

    /// <summary>Whether something is not 0.</summary>
    private Expression Condition(TypedExpression expression) => Integer(expression);

    /// <summary>A scalar as an integer of a type.</summary>
    private Expression IntegerAs(TypedExpression expression, DataType type) => As(Integer(expression), type);

    private static Expression As(Expression value, DataType type) => value.Type == type ? value
        : value is Constant constant ? new Constant(type.Wrap(constant.Value), type)
        : new Cast(value, type);

    /// <summary>A scalar, or the address of what lies in memory, as an integer of its type.</summary>
    private Expression Integer(TypedExpression expression)
    {
        DataType type = StoredTypes.Of(expression.Type);
        return As(IntegerOf(expression, type), type);
    }

    private Expression IntegerOf(TypedExpression expression, DataType type)
    {
        switch (expression)
        {
            case ConstantExpression constant:
                return new Constant(type.Wrap(constant.Value), type);
            case VariableExpression { Variable.Type: TextType or TupleType or RecordType or StackType or BufferType }:
                throw Refuse(expression, $"a variable holds {expression.Type}");
            case ElementExpression element:
                return Integer(Resolve(element));
            case VariableExpression { Variable: var variable }:
                return AsOfNow(new LocalValue(LocalOf(variable), StoredTypes.Of(variable.Type)), variable);
            case MapExpression { Map.ValueType: not AggregateType } map:
                return AsOfNow(new MapValue(maps.IndexOf(map.Map), KeyOf(map, isReadTwice: false), maps.Of(map.Map).Definition.ValueType), map.Map);
            case MapExpression { Map.ValueType: AggregateType aggregate } map:
                return AsOfNow(Aggregated(map, aggregate), map.Map);
            case ArgumentExpression argument when !isReturn:
                return new Argument(argument.Index);
            case ArgumentExpression:
                throw Refuse(expression, "an argument is wanted at a return");
            case StackArgumentExpression argument:
                return new Load(
                    new Binary(BinaryOperator.Add, new RegisterValue(StackPointer), new Constant(WordSize * (argument.Index + (isReturn ? 0 : 1)), DataType.U64)), DataType.I64);
            case BuiltinExpression builtin:
                return BuiltinValue(builtin);
            case MemoryExpression { Type: StructType or ArrayType } memory:
                return Integer(memory.Address);
            case MemoryExpression { Type.IsScalar: true } memory:
                return new Load(Integer(memory.Address), type);
            case UnaryExpression unary:
                return UnaryValue(unary);
            case BinaryExpression binary:
                return BinaryValue(binary);
            case ConditionalExpression { Type.IsScalar: true } choice:
                return new Conditional(Condition(choice.Condition), Maybe(() => IntegerAs(choice.WhenTrue, type)), Maybe(() => IntegerAs(choice.WhenFalse, type)));
            case IncrementExpression increment:
                return Incremented(increment);
            case CastExpression cast:
                return CastValue(cast, type);
            case CallExpression call:
                return CallValue(call);
            case BlockExpression { Result: { } result } block:
                LowerWithin(block);
                return Integer(result);
            default:
                throw Refuse(expression, $"{expression.Type} is not a value that programs in the target can work with");
        }
    }

    /// <summary>What is evaluated only sometimes: nothing can be done for it beforehand.</summary>
    private T Maybe<T>(Func<T> lower)
    {
        _maybes++;
        T value = lower();
        _maybes--;
        return value;
    }

    /// <summary>
    /// What a variable or a map holds before what stands to its right in the statement may change it: <c>$a</c> in <c>f($a, $a++)</c>.
    /// Programs find the values of a statement in no order.
    /// </summary>
    private Expression AsOfNow(Expression value, object symbol)
    {
        if (!_changedWithin.Contains(symbol))
            return value;
        int now = NewLocal(value.Type);
        _statements.Add(new SetLocal(now, value));
        return new LocalValue(now, value.Type);
    }

    /// <summary>The change is made before the statement that the value is for.</summary>
    private LocalValue Incremented(IncrementExpression increment)
    {
        if (_maybes > 0)
            throw Refuse(increment, "a value is changed only sometimes, within an expression");
        DataType type = StoredTypes.Of(increment.Type);
        List<Expression> key = increment.Target is MapExpression { Map: var changed } entry && !maps.IsForReader(changed) ? KeptKey(changed, entry.Key) : [];
        int before = NewLocal(type), after = NewLocal(type);
        _assignedKeys.Push(((increment.Target as MapExpression)?.Key, key));
        _statements.Add(new SetLocal(before, IntegerAs(increment.Target, type)));
        _assignedKeys.Pop();
        _statements.Add(new SetLocal(after, new Binary(BinaryOperator.Add, new LocalValue(before, type), new Constant(type.Wrap(increment.Step), type))));
        switch (increment.Target)
        {
            case VariableExpression { Variable: var variable }:
                _statements.Add(new SetLocal(LocalOf(variable), new LocalValue(after, type)));
                break;
            case MapExpression target when !maps.IsForReader(target.Map):
                int index = maps.IndexOf(target.Map);
                _statements.Add(new Programs.Aggregate(index, key, As(new LocalValue(after, type), maps.Maps[index].Definition.ValueType)));
                break;
            default:
                throw Refuse(increment, "programs in the target cannot do that");
        }

        return new LocalValue(increment.IsPrefix ? after : before, type);
    }

    private Expression CastValue(CastExpression cast, DataType type)
    {
        bool isScalar = cast.Operand.Type.IsScalar || cast.Operand.Type is StructType or ArrayType || cast.Operand is MapExpression { Map.ValueType: AggregateType };
        if (!isScalar || !cast.Type.IsScalar)
            throw Refuse(cast, $"{cast.Operand.Type} is made a {cast.Type}");
        Expression value = Integer(cast.Operand);
        return cast.Type is BooleanType && cast.Operand.Type is not BooleanType ? new Unary(UnaryOperator.Not, new Unary(UnaryOperator.Not, value)) : As(value, type);
    }

    private Unary UnaryValue(UnaryExpression unary)
    {
        Expression operand = Integer(unary.Operand);
        return unary.Operator switch
        {
            UnaryOperatorSyntax.Not => new Unary(UnaryOperator.Not, operand),
            UnaryOperatorSyntax.Negate => new Unary(UnaryOperator.Negate, As(operand, StoredTypes.Of(unary.Type))),
            UnaryOperatorSyntax.Complement => new Unary(UnaryOperator.Complement, As(operand, StoredTypes.Of(unary.Type))),
            _ => throw Refuse(unary, "programs in the target cannot do that"),
        };
    }

    private Binary BinaryValue(BinaryExpression binary)
    {
        BinaryOperator operation = OperatorOf(binary.Operator);
        if (operation is BinaryOperator.LogicalAnd or BinaryOperator.LogicalOr)
            return new Binary(operation, Condition(binary.Left), Maybe(() => Condition(binary.Right)));
        if (binary.Left.Type is TextType && binary.Right.Type is TextType)
            return new Binary(operation, Text(binary.Left), Text(binary.Right));
        if (binary.Left.Type is TupleType or RecordType || binary is { Left.Type: ArrayType, Right.Type: ArrayType })
            return new Binary(BinaryOperator.Equal, AreEqual(binary.Left, binary.Right, binary), new Constant(operation == BinaryOperator.Equal ? 1 : 0, DataType.Boolean));
        if (!IsInteger(binary.Left.Type) || !IsInteger(binary.Right.Type))
            throw Refuse(binary, $"{binary.Left.Type} and {binary.Right.Type} are compared");
        Expression left = Integer(binary.Left);
        if (operation is BinaryOperator.ShiftLeft or BinaryOperator.ShiftRight)
            return new Binary(operation, As(left, StoredTypes.Of(binary.Type)), Integer(binary.Right));
        return new Binary(operation, left, IntegerAs(binary.Right, left.Type));

        static bool IsInteger(ScriptType type) => type.IsScalar || type is StructType or ArrayType;
    }

    private static BinaryOperator OperatorOf(BinaryOperatorSyntax operation) => operation switch
    {
        BinaryOperatorSyntax.LogicalOr => BinaryOperator.LogicalOr,
        BinaryOperatorSyntax.LogicalAnd => BinaryOperator.LogicalAnd,
        BinaryOperatorSyntax.Or => BinaryOperator.Or,
        BinaryOperatorSyntax.Xor => BinaryOperator.Xor,
        BinaryOperatorSyntax.And => BinaryOperator.And,
        BinaryOperatorSyntax.Equal => BinaryOperator.Equal,
        BinaryOperatorSyntax.NotEqual => BinaryOperator.NotEqual,
        BinaryOperatorSyntax.Less => BinaryOperator.Less,
        BinaryOperatorSyntax.LessOrEqual => BinaryOperator.LessOrEqual,
        BinaryOperatorSyntax.Greater => BinaryOperator.Greater,
        BinaryOperatorSyntax.GreaterOrEqual => BinaryOperator.GreaterOrEqual,
        BinaryOperatorSyntax.ShiftLeft => BinaryOperator.ShiftLeft,
        BinaryOperatorSyntax.ShiftRight => BinaryOperator.ShiftRight,
        BinaryOperatorSyntax.Add => BinaryOperator.Add,
        BinaryOperatorSyntax.Subtract => BinaryOperator.Subtract,
        BinaryOperatorSyntax.Multiply => BinaryOperator.Multiply,
        BinaryOperatorSyntax.Divide => BinaryOperator.Divide,
        _ => BinaryOperator.Remainder,
    };
}
