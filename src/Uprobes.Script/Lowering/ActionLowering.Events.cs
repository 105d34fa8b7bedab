using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Lowering;

/// <summary>What is done for its effect: here, or by the reader.</summary>
internal sealed partial class ActionLowering
{
    /// <summary>How much of a stack is captured: the calls of most programs fit; of a few frames, less does.</summary>
    private const int StackBytes = 8192, FewFrames = 8, BytesOfFew = 4096;

    private const int MacAddressSize = 6;

    private void LowerEffect(TypedExpression expression)
    {
        switch (expression)
        {
            case IncrementExpression { Target: MapExpression { Map: var counted } } when maps.IsForReader(counted):
                Send(new ExpressionStatement(expression, expression.Span));
                break;
            case IncrementExpression increment:
                LowerIncrement(increment);
                break;
            case ConditionalExpression choice:
                LowerIf(choice.Condition, () => LowerEffect(choice.WhenTrue), () => LowerEffect(choice.WhenFalse));
                break;
            case BlockExpression block:
                LowerStatement(block.Statements);
                if (block.Result is { } result)
                    LowerEffect(result);
                break;
            case CastExpression cast:
                LowerEffect(cast.Operand);
                break;
            case CallExpression { Function: ScriptFunction.Delete, Arguments: [MapReferenceExpression { Map: var map }, ..] arguments }
                when maps.HoldsValues(map):
                _statements.Add(new DeleteKey(maps.IndexOf(map), Key(map, arguments.Count > 1 ? arguments[1] : null)));
                break;
            case CallExpression { Function: ScriptFunction.Delete, Arguments: [MapExpression { Map: var map } entry] }
                when maps.HoldsValues(map):
                _statements.Add(new DeleteKey(maps.IndexOf(map), Key(map, entry.Key)));
                break;
            case CallExpression { Function: ScriptFunction.Clear, Arguments: [MapReferenceExpression { Map: { HasKeys: not true } map }] } when maps.IsRead(map):
                _statements.Add(new DeleteKey(maps.IndexOf(map), Key(map, null)));
                break;
            case CallExpression { Function: ScriptFunction.Delete or ScriptFunction.Find } call when call.Arguments[0] is MapReferenceExpression { Map: var held } && maps.HoldsValues(held):
                _ = Integer(call);
                break;
            case CallExpression { Function: ScriptFunction.StaticAssert }:
                break; // It held when the script was checked.
            case CallExpression { Function: ScriptFunction.Assert, Arguments: [var condition, ..] arguments } assert:
                LowerIf(condition, () => { }, () => SendLast(assert with { Arguments = [new ConstantExpression(0, ScriptType.U64, assert.Span), .. arguments.Skip(1)] }));
                break;
            case CallExpression { Function: ScriptFunction.Fail } fail:
                SendLast(fail);
                break;
            case CallExpression { Function: ScriptFunction.Join } join:
                SendJoined(join);
                break;
            case CallExpression { Function: ScriptFunction.Exit } exit:
                SendLast(exit);
                break;
            case CallExpression
            {
                Function: ScriptFunction.Printf or ScriptFunction.Errorf or ScriptFunction.Warnf or ScriptFunction.Cat or ScriptFunction.System
                or ScriptFunction.Print or ScriptFunction.Time or ScriptFunction.Clear or ScriptFunction.Zero or ScriptFunction.Delete
            } call:
                Send(new ExpressionStatement(call, call.Span));
                break;
            case CallExpression call:
                throw Refuse(call, WhyNot(call.Function));
            default:
                // A value that nobody wants. It is worked out all the same: what is wrong with it is told.
                _ = Integer(expression);
                break;
        }
    }

    /// <summary>Leaves something to the reader after which nothing is done.</summary>
    private void SendLast(CallExpression call)
    {
        Send(new ExpressionStatement(call, call.Span));
        _statements.Add(new Stop());
    }

    /// <summary>Leaves something to the reader, with the values that only the program can find.</summary>
    private void Send(TypedStatement statement)
    {
        List<Expression> values = [new Builtin(BuiltinKind.ProbeIndex), new Builtin(BuiltinKind.ProcessId)];
        List<LoweredField> fields = [];
        TypedStatement action = statement switch
        {
            ExpressionStatement { Expression: IncrementExpression { Target: MapExpression target } increment } expression =>
                expression with { Expression = increment with { Target = target with { Key = Part(target.Key) } } },
            ExpressionStatement expression => expression with { Expression = Rewrite(expression.Expression, values, fields) },
            AggregateStatement aggregate => aggregate with { Key = Part(aggregate.Key), Value = Part(aggregate.Value) },
            AssignMap assign => WithParts(assign),
            _ => throw new LoweringException(statement.Span, "programs in the target cannot do that"),
        };
        int number = definitions.Count;
        definitions.Add(new EventDefinition($"event{number}", [.. values.Select(v => v.Type)]));
        events.Add(new LoweredEvent(action, fields));
        _statements.Add(new Emit(number, values));

        TypedExpression? Part(TypedExpression? part) => part is null ? null : Rewrite(part, values, fields);

        // What the value reads by the same object for its key is read with the same fields.
        AssignMap WithParts(AssignMap assign)
        {
            TypedExpression? key = Part(assign.Key);
            return assign with { Key = key, Value = MapUses.Addend(assign, out bool subtracts) is { } addend ? WithAddend(assign, key, Part(addend)!, subtracts) : Part(assign.Value)! };
        }
    }

    private static BinaryExpression WithAddend(AssignMap assign, TypedExpression? key, TypedExpression addend, bool subtracts) =>
        new(subtracts ? BinaryOperatorSyntax.Subtract : BinaryOperatorSyntax.Add, new MapExpression(assign.Map, key, assign.Span), addend, assign.Map.ValueType, assign.Span);

    /// <summary>An expression for the reader: what a program can find is a field, of the rest the parts are looked at.</summary>
    private TypedExpression Rewrite(TypedExpression expression, List<Expression> values, List<LoweredField> fields)
    {
        switch (expression)
        {
            case ConstantExpression or TextConstantExpression or BytesConstantExpression or MapReferenceExpression or FieldExpression:
            case BuiltinExpression { Builtin: ScriptBuiltin.Function or ScriptBuiltin.Probe or ScriptBuiltin.ProbeType or ScriptBuiltin.CpuCount or ScriptBuiltin.ChildId or ScriptBuiltin.HasChild }:
            case BuiltinExpression { Builtin: ScriptBuiltin.ProcessId, Parameter: not 0 }:
                return expression;
            case CastExpression { Operand: MapExpression { Map: var gathered } } number when maps.IsRead(gathered):
                return Field(number, Integer(number), 0, values, fields);
            case BuiltinExpression { Builtin: ScriptBuiltin.UserName } user:
                return new CallExpression(ScriptFunction.NameOfUser, [Rewrite(new BuiltinExpression(ScriptBuiltin.UserId, 0, ScriptType.U64, user.Span), values, fields)], user.Type, user.Span);
            case BuiltinExpression { Builtin: ScriptBuiltin.ProcessName } parent:
                // Its number now: the process may have ended when the event is read.
                return new CallExpression(ScriptFunction.NameOfProcess, [Rewrite(new BuiltinExpression(ScriptBuiltin.ParentId, 0, ScriptType.U32, parent.Span), values, fields)], parent.Type, parent.Span);
            case ElementExpression element when IsOfVariable(element.Tuple):
                return Rewrite(Resolve(element), values, fields);
            case VariableExpression { Variable.Type: TupleType or RecordType } tuple:
                return Rewrite(new TupleExpression(Elements(tuple), tuple.Type, tuple.Span), values, fields);
            case VariableExpression { Variable: var variable } when _bytes.TryGetValue(variable, out BytesConstantExpression? known):
                return known;
            case VariableExpression { Variable.Type: StructType or ArrayType } pointed:
                return Rewrite(new MemoryExpression(new CastExpression(pointed, ScriptType.U64, pointed.Span), pointed.Type, pointed.Span), values, fields);
            case VariableExpression { Variable: { Type: BufferType type } buffered } when _texts.TryGetValue(buffered, out Expression? bytes):
                return Field(expression, bytes, type.Capacity, values, fields);
            case CallExpression { Function: ScriptFunction.Macaddr, Arguments: [{ Type.IsScalar: true } address] } physical:
                TypedExpression bytesOf = new CallExpression(ScriptFunction.Buf, [address], new BufferType(MacAddressSize), physical.Span);
                return physical with { Arguments = [Field(bytesOf, new LoadBytes(Integer(address), new Constant(MacAddressSize, DataType.U64), StoredTypes.RoundUp(MacAddressSize)), MacAddressSize, values, fields)] };
            case MapExpression map when map.Map.ValueType is AggregateType || maps.IsForReader(map.Map):
                return map.Key is null ? map : map with { Key = Rewrite(map.Key, values, fields) };
            case CallExpression { Function: ScriptFunction.Buf, Type: BufferType type } buffer:
                return Field(buffer, Bytes(buffer, type), type.Capacity, values, fields);
            case CallExpression { Function: ScriptFunction.Str, Arguments: [{ Type.IsScalar: true } address, not ConstantExpression and var length], Type: TextType type } cut:
                // All of it is sent, and the reader takes as much as is wanted.
                FieldExpression whole = Field(cut, new LoadText(Integer(address), StoredTypes.Text(type).Capacity), StoredTypes.MostBytes(type), values, fields);
                return cut with { Arguments = [whole, Rewrite(length, values, fields)] };
            case CharacterArrayExpression { Count: > 0 and var count } array:
                return Field(array, new LoadBytes(Integer(array.Address), new Constant(count, DataType.U64), StoredTypes.RoundUp(count)), count, values, fields);
            case MemoryExpression { Type: StructType or ArrayType } memory when script.Types.SizeOf(memory.Type) is > 0 and <= ProgramLimits.FieldCapacity and var size:
                return Field(memory, new LoadBytes(Integer(memory.Address), new Constant(size, DataType.U64), StoredTypes.RoundUp(size)), size, values, fields);
            case CallExpression { Function: ScriptFunction.Str, Arguments: [_] or [_, ConstantExpression] }:
                return Field(expression, MostOf(expression), StoredTypes.MostBytes((TextType)expression.Type), values, fields);
            case BuiltinExpression { Builtin: ScriptBuiltin.Stack, Type: StackType type }:
                return Stack(expression, type, values, fields);
            case CallExpression { Function: ScriptFunction.Ustack or ScriptFunction.DwarfStack, Type: StackType type }:
                return Stack(expression, type, values, fields);
            case VariableExpression { Variable.Type: TextType text }:
                return Field(expression, MostOf(expression), StoredTypes.MostBytes(text), values, fields);
            case BuiltinExpression { Builtin: ScriptBuiltin.ThreadName }:
                return Field(expression, new ThreadName(), BuiltinTable.ThreadNameSize, values, fields);
            case BuiltinExpression or VariableExpression or ArgumentExpression or StackArgumentExpression or MapExpression:
            case MemoryExpression { Type.IsScalar: true }:
                return Field(expression, Integer(expression), 0, values, fields);
            case CallExpression { Function: ScriptFunction.Reg or ScriptFunction.HasKey or ScriptFunction.Uptr or ScriptFunction.Uaddr or ScriptFunction.Memcmp }:
                return Field(expression, Integer(expression), 0, values, fields);
            case CallExpression { Function: ScriptFunction.Delete or ScriptFunction.Find } call when call.Arguments[0] is MapReferenceExpression { Map: var held } && maps.HoldsValues(held):
                return Field(expression, Integer(expression), 0, values, fields);
            case LocalExpression local:
                return LocalField(local, values, fields);
            case IncrementExpression increment:
                return Field(increment, Incremented(increment), 0, values, fields);
            case BlockExpression { Result: { } result } block:
                LowerWithin(block);
                return Rewrite(result, values, fields);
            case ConditionalExpression choice:
                TypedExpression condition = Rewrite(choice.Condition, values, fields);
                return choice with { Condition = condition, WhenTrue = Maybe(() => Rewrite(choice.WhenTrue, values, fields)), WhenFalse = Maybe(() => Rewrite(choice.WhenFalse, values, fields)) };
            case BinaryExpression { Operator: BinaryOperatorSyntax.LogicalAnd or BinaryOperatorSyntax.LogicalOr } logical:
                TypedExpression left = Rewrite(logical.Left, values, fields);
                return logical with { Left = left, Right = Maybe(() => Rewrite(logical.Right, values, fields)) };
            case MemoryExpression { Type: TextType type } memory:
                return Field(memory, MostOf(memory), StoredTypes.MostBytes(type), values, fields);
            case MemoryExpression or BlockExpression:
                throw Refuse(expression, "programs in the target cannot work that out");
            case CallExpression call when !IsForReader(call.Function):
                throw Refuse(call, WhyNot(call.Function));
            default:
                return ExpressionParts.With(expression, [.. ExpressionParts.Of(expression).Select(part => Rewrite(part, values, fields))]);
        }
    }

    /// <summary>Does what a block does before the value of the statement that it is in is worked out.</summary>
    private void LowerWithin(BlockExpression block)
    {
        if (_maybes > 0)
            throw Refuse(block, "a block is run only sometimes, within an expression");
        LowerStatement(block.Statements);
    }

    /// <summary>Whether a function needs nothing but its arguments, the maps or the run.</summary>
    private static bool IsForReader(ScriptFunction function) => function is
        ScriptFunction.Printf or ScriptFunction.Errorf or ScriptFunction.Warnf or ScriptFunction.Cat or ScriptFunction.System or ScriptFunction.Print
        or ScriptFunction.Time or ScriptFunction.Clear or ScriptFunction.Zero or ScriptFunction.Delete or ScriptFunction.Exit or ScriptFunction.Strftime
        or ScriptFunction.StrConcat or ScriptFunction.Strlen or ScriptFunction.Strcap or ScriptFunction.Strstr or ScriptFunction.Strcontains or ScriptFunction.Strncmp
        or ScriptFunction.Globmatch or ScriptFunction.Len or ScriptFunction.Bswap or ScriptFunction.SignalName or ScriptFunction.Strerror or ScriptFunction.SyscallName
        or ScriptFunction.Usym or ScriptFunction.Ntop or ScriptFunction.Macaddr or ScriptFunction.NameOfUser or ScriptFunction.NameOfProcess or ScriptFunction.JoinOf or ScriptFunction.Assert or ScriptFunction.Fail;

    /// <summary>Whether a tuple is what a variable of the program's holds.</summary>
    private static bool IsOfVariable(TypedExpression tuple) => tuple switch
    {
        VariableExpression => true,
        ElementExpression element => IsOfVariable(element.Tuple),
        CastExpression cast => IsOfVariable(cast.Operand),
        _ => false,
    };

    private static FieldExpression Field(TypedExpression of, Expression value, int mostBytes, List<Expression> values, List<LoweredField> fields)
    {
        values.Add(value);
        fields.Add(new LoweredField(of.Type, mostBytes));
        return new FieldExpression(fields.Count - 1, of.Type, of.Span);
    }

    /// <summary>The thread's registers and what is on its stack, for the reader to find the calls in.</summary>
    private static FieldExpression Stack(TypedExpression of, StackType type, List<Expression> values, List<LoweredField> fields)
    {
        int bytes = type.Limit <= FewFrames ? BytesOfFew : StackBytes;
        values.AddRange(StackCapture.Fields(bytes));
        fields.Add(new LoweredField(type, bytes));
        return new FieldExpression(fields.Count - 1, type, of.Span);
    }

    private LoadBytes Bytes(CallExpression buffer, BufferType type)
    {
        TypedExpression from = buffer.Arguments[0];
        Expression length = buffer.Arguments.Count > 1 ? IntegerAs(buffer.Arguments[1], DataType.U64) : new Constant(type.Capacity, DataType.U64);
        return new LoadBytes(Integer(from), length, StoredTypes.RoundUp(type.Capacity));
    }
}
