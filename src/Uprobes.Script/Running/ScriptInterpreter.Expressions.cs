using Uprobes.Script.Output;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Running;

/// <content>Values of expressions.</content>
internal sealed partial class ScriptInterpreter
{
    /// <summary>The key of the assignment that is being done, and its value: in <c>@a[f()] += 1</c> it is evaluated once.</summary>
    private TypedExpression? _assignedKey;
    private ScriptValue _assignedKeyValue;

    /// <summary>The value of an expression. A struct and an array in the target's memory are their address (<see cref="Materialize"/>).</summary>
    private ScriptValue Evaluate(TypedExpression expression)
    {
        switch (expression)
        {
            case TextConstantExpression text:
                return ScriptValue.Literal(text.Bytes.ToArray());
            case BytesConstantExpression bytes:
                return Bytes(bytes.Bytes.Span);
            case VariableExpression { Variable: var variable }:
                return _variables.TryGetValue(variable, out ScriptValue held) ? held : TypedValue.Zero(variable.Type, script.Types);
            case MapExpression map:
                return Read(map);
            case FieldExpression field:
                return _occasion.Fields[field.Index];
            case CharacterArrayExpression characters:
                return ReadText((ulong)Number(characters.Address), characters.Count, characters.Span);
            case MemoryExpression { Type: StructType or ArrayType } memory:
                return ScriptValue.Pointer((ulong)Number(memory.Address));
            case MemoryExpression { Type: TextType text } memory:
                return ReadText((ulong)Number(memory.Address), text.Capacity - 1, memory.Span);
            case BuiltinExpression { Type.IsScalar: false } builtin:
                return TextOf(builtin);
            case BinaryExpression { Left.Type: TextType or TupleType or RecordType or ArrayType or BufferType } comparison:
                return ScriptValue.Boolean(AreEqual(comparison) == (comparison.Operator == BinaryOperatorSyntax.Equal));
            case ConditionalExpression choice:
                Step(choice.Span);
                return Evaluate(Number(choice.Condition) != 0 ? choice.WhenTrue : choice.WhenFalse);
            case CastExpression { Type.IsScalar: false } cast:
                return Convert(Evaluate(cast.Operand), cast);
            case TupleExpression tuple:
                return Tuple(tuple);
            case ElementExpression element:
                return Evaluate(element.Tuple).Items[element.Index];
            case CallExpression call:
                Step(call.Span);
                return Call(call);
            case BlockExpression block:
                Execute(block.Statements);
                return block.Result is { } result && _flow == Flow.Next ? Evaluate(result) : default;
            default:
                return TypedValue.OfBits(Number(expression), expression.Type, script.Types);
        }
    }

    /// <summary>The 64 bits of a scalar, extended as its type says.</summary>
    private long Number(TypedExpression expression)
    {
        switch (expression)
        {
            case ConstantExpression constant:
                return constant.Value;
            case ArgumentExpression argument:
                return Argument(argument);
            case StackArgumentExpression argument:
                return (long)StackWord(argument.Index + 1, argument.Span);
            case BuiltinExpression { Type.IsScalar: true } builtin:
                return NumberOf(builtin);
            case MemoryExpression { Type.IsScalar: true } memory:
                return ReadScalar(memory);
            case UnaryExpression unary:
                Step(unary.Span);
                return TypedValue.Extend(ScriptArithmetic.Apply(unary.Operator, Number(unary.Operand)), unary.Type);
            case BinaryExpression { Left.Type: var left } binary when left.IsScalar || left is AggregateType:
                Step(binary.Span);
                return Binary(binary);
            case ConditionalExpression choice:
                Step(choice.Span);
                return Number(Number(choice.Condition) != 0 ? choice.WhenTrue : choice.WhenFalse);
            case CastExpression { Type.IsScalar: true, Operand: { Type.IsScalar: true } operand } cast:
                return TypedValue.Extend(Number(operand), cast.Type);
            case CastExpression { Type.IsScalar: true } cast:
                return BitsOf(Evaluate(cast.Operand), cast);
            case IncrementExpression increment:
                Step(increment.Span);
                return Increment(increment);
            default:
                // What a struct's value holds is its address; an aggregate's is its number.
                ScriptValue value = Evaluate(expression);
                return value.Bits;
        }
    }

    private long Binary(BinaryExpression binary)
    {
        switch (binary.Operator)
        {
            case BinaryOperatorSyntax.LogicalAnd:
                return Number(binary.Left) != 0 && Number(binary.Right) != 0 ? 1 : 0;
            case BinaryOperatorSyntax.LogicalOr:
                return Number(binary.Left) != 0 || Number(binary.Right) != 0 ? 1 : 0;
        }

        long left = Number(binary.Left), right = Number(binary.Right);
        return TypedValue.Extend(ScriptArithmetic.Apply(binary.Operator, binary.Left.Type.IsSignedNumber, left, right), binary.Type);
    }

    private bool AreEqual(BinaryExpression comparison)
    {
        ScriptValue left = Materialize(Evaluate(comparison.Left), comparison.Left.Type, comparison.Span);
        ScriptValue right = Materialize(Evaluate(comparison.Right), comparison.Right.Type, comparison.Span);
        return left.Equals(right);
    }

    private long Increment(IncrementExpression increment)
    {
        if (increment.Target is VariableExpression { Variable: var variable })
        {
            long old = Number(increment.Target), next = TypedValue.Extend(unchecked(old + increment.Step), increment.Type);
            _variables[variable] = TypedValue.OfBits(next, variable.Type, script.Types);
            return increment.IsPrefix ? next : old;
        }

        MapExpression target = (MapExpression)increment.Target;
        IScriptMap map = MapOf(target.Map);
        ScriptValue key = Key(target.Key);
        lock (map)
        {
            long old = map.TryGet(key, out ScriptValue value) ? value.Bits : 0;
            long next = TypedValue.Extend(unchecked(old + increment.Step), increment.Type);
            Store(map, key, TypedValue.OfBits(next, target.Map.ValueType, script.Types), increment.Span);
            return increment.IsPrefix ? next : old;
        }
    }

    private ScriptValue Read(MapExpression map)
    {
        ScriptValue key = map.Key is not null && ReferenceEquals(map.Key, _assignedKey) ? _assignedKeyValue : Key(map.Key);
        return MapOf(map.Map).TryGet(key, out ScriptValue value) ? value : TypedValue.Zero(map.Map.ValueType, script.Types);
    }

    private ScriptValue Key(TypedExpression? key) => key is null ? ScriptValue.None : Materialize(Evaluate(key), key.Type, key.Span);

    private ScriptValue Tuple(TupleExpression tuple)
    {
        ScriptValue[] items = new ScriptValue[tuple.Elements.Count];
        for (int i = 0; i < items.Length; i++)
            items[i] = Materialize(Evaluate(tuple.Elements[i]), tuple.Elements[i].Type, tuple.Span);
        return tuple.Type is RecordType record ? ScriptValue.Record([.. record.Names], items) : ScriptValue.Tuple(items);
    }

    /// <summary>The scalar that a cast makes of what is none: the number of an aggregate, the bytes of an array.</summary>
    private long BitsOf(in ScriptValue value, CastExpression cast)
    {
        switch (cast.Operand.Type)
        {
            case ArrayType array:
                ScriptValue items = Materialize(value, array, cast.Span);
                Span<byte> bytes = stackalloc byte[sizeof(long)];
                bytes.Clear();
                WriteItems(items.Items, array.Element, bytes);
                return TypedValue.ReadBits(bytes, cast.Type);
            default:
                _ = value.TryGetNumber(out long bits);
                return TypedValue.Extend(bits, cast.Type);
        }
    }

    private ScriptValue Convert(in ScriptValue value, CastExpression cast) => Convert(value, cast.Operand.Type, cast.Type, cast.Span);

    private ScriptValue Convert(in ScriptValue value, ScriptType from, ScriptType to, SourceSpan span)
    {
        switch (to)
        {
            case TextType text when value.Kind is ScriptValueKind.String && value.Bytes.Length >= text.Capacity:
                return Cut(value, text.Capacity - 1);
            case TupleType or RecordType when value.Kind is ScriptValueKind.Tuple or ScriptValueKind.Record:
                TypeList targets = to is TupleType tuple ? tuple.Elements : ((RecordType)to).Elements;
                TypeList sources = from is TupleType fromTuple ? fromTuple.Elements : from is RecordType fromRecord ? fromRecord.Elements : targets;
                ScriptValue[] items = new ScriptValue[Math.Min(targets.Count, value.Items.Length)];
                for (int i = 0; i < items.Length; i++)
                    items[i] = Convert(value.Items[i], sources[i], targets[i], span);
                return to is RecordType record ? ScriptValue.Record([.. record.Names], items) : ScriptValue.Tuple(items);
            case ArrayType array when from.IsScalar:
                return OfBytes(BitConverter.GetBytes(value.Bits), array);
            case BufferType buffer when value.Kind == ScriptValueKind.Buffer && value.Bytes.Length > buffer.Capacity:
                return ScriptValue.Buffer(value.Bytes[..buffer.Capacity].ToArray());
            case SymbolType when value.TryGetNumber(out long address):
                return SymbolOf((ulong)address);
            default:
                return to.IsScalar && value.TryGetNumber(out long bits) ? TypedValue.OfBits(TypedValue.Extend(bits, to), to, script.Types) : value;
        }
    }

    private static ScriptValue Cut(in ScriptValue text, int length) =>
        text.IsTrusted ? ScriptValue.Literal(text.Bytes[..length].ToArray()) : ScriptValue.String(text.Bytes[..length].ToArray());
}
