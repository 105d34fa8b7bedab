using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Texts, and the keys of maps.</summary>
internal sealed partial class ActionLowering
{
    /// <summary>A text of any capacity, exactly as the script has it.</summary>
    private Expression Text(TypedExpression expression)
    {
        Expression text = MostOf(expression);
        int most = MostBytes(expression);
        bool mayBeLonger = text is LoadText or LoadBytes ? text.Type.Capacity > most : most < MostBytes(StoredTypes.WithoutTextCasts(expression));
        return mayBeLonger ? new TextCut(text, new Constant(most, DataType.U64), text.Type.Capacity) : text;
    }

    /// <summary>Of a text of one capacity as one of another.</summary>
    private static int MostBytes(TypedExpression text)
    {
        int most = StoredTypes.MostBytes((TextType)text.Type);
        for (; text is CastExpression { Operand: { Type: TextType type } operand }; text = operand)
            most = Math.Min(most, StoredTypes.MostBytes(type));
        return most;
    }

    /// <summary>A text to whose end some bytes of what is in memory may be added, up to a multiple of 8: for readers that know the length.</summary>
    private Expression MostOf(TypedExpression expression)
    {
        TypedExpression text = StoredTypes.WithoutTextCasts(expression);
        switch (text)
        {
            case VariableExpression { Variable: var variable } when _slots.TryGetValue(variable, out TextSlot? slot):
                return new HeldText(slot);
            case VariableExpression { Variable: var variable }:
                return _texts.TryGetValue(variable, out Expression? held) ? held : new TextConstant(default, 8); // Declared, and nothing more.
            case TextConstantExpression constant when !constant.Bytes.Span.Contains((byte)0):
                return new TextConstant(constant.Bytes, StoredTypes.RoundUp(constant.Bytes.Length));
            case BuiltinExpression { Builtin: ScriptBuiltin.ThreadName }:
                return new ThreadName();
            case BuiltinExpression { Builtin: ScriptBuiltin.ProbeType }:
                return Constant(isReturn ? "uretprobe"u8 : "uprobe"u8);
            case BuiltinExpression { Builtin: ScriptBuiltin.Function }:
                return OfPlace(new PlaceName(IsOfFunction: true));
            case BuiltinExpression { Builtin: ScriptBuiltin.Probe }:
                return OfPlace(new PlaceName(IsOfFunction: false));
            case CallExpression { Function: ScriptFunction.Str, Arguments: [_, ConstantExpression { Value: 0 }] }:
                return new TextConstant(default, 8);
            case CallExpression { Function: ScriptFunction.Str, Arguments: [{ Type.IsScalar: true } address, ..] arguments, Type: TextType type }:
                LoadText all = new(Integer(address), StoredTypes.Text(type).Capacity);
                return arguments.Count > 1 && arguments[1] is not ConstantExpression and var length ? new TextCut(all, Least(length, StoredTypes.MostBytes(type)), all.Capacity) : all;
            case CallExpression { Function: ScriptFunction.Str, Arguments: [{ Type: TextType } whole, ..] arguments }:
                Expression inner = Text(whole);
                return arguments.Count > 1 && arguments[1] is var limit ? new TextCut(inner, IntegerAs(limit, DataType.U64), inner.Type.Capacity) : inner;
            case MemoryExpression { Type: TextType type } memory:
                return new LoadText(Integer(memory.Address), StoredTypes.Text(type).Capacity);
            case CharacterArrayExpression { Count: var count and > 0 } array:
                return new LoadText(Integer(array.Address), StoredTypes.RoundUp(count));
            case ConditionalExpression choice:
                Expression condition = Condition(choice.Condition), yes = Maybe(() => Text(choice.WhenTrue)), no = Maybe(() => Text(choice.WhenFalse));
                int capacity = Math.Max(yes.Type.Capacity, no.Type.Capacity);
                return new Conditional(condition, Widened(yes, capacity), Widened(no, capacity));
            case ElementExpression element:
                return Text(Resolve(element));
            case BlockExpression { Result: { } result } block:
                LowerWithin(block);
                return Text(result);
            case MapExpression map when maps.IsForReader(map.Map):
                throw new LoweringException(expression.Span, maps.WhyForReader(map.Map).Reason);
            case CallExpression call:
                throw Refuse(call, $"the text of {NameOf(call.Function)} is made by uprobe, and programs in the target cannot read it");
            case BuiltinExpression { Builtin: ScriptBuiltin.UserName or ScriptBuiltin.ProcessName }:
                throw Refuse(text, "names of users and of parents are known to uprobe, and programs in the target cannot read them");
            default:
                throw Refuse(expression, "programs in the target cannot make that text");
        }
    }

    /// <summary>A number of bytes, of which there are so many at most.</summary>
    private Expression Least(TypedExpression length, int most)
    {
        Expression wanted = IntegerAs(length, DataType.U64);
        Constant limit = new(most, DataType.U64);
        return most % 8 == 0 ? wanted : new Conditional(new Binary(BinaryOperator.Less, wanted, limit), wanted, limit);
    }

    /// <summary>A text as one of another capacity, which is not smaller unless it is a constant that fits or a text in memory.</summary>
    private static Expression Widened(Expression text, int capacity) => text.Type.Capacity == capacity ? text
        : text is TextConstant constant ? new TextConstant(constant.Bytes, capacity)
        : new TextCut(text, new Constant(text.Type.Capacity, DataType.U64), capacity);

    /// <summary>Whether two texts are the same up to some byte: as strncmp() is used.</summary>
    private Binary HaveOneBeginning(TypedExpression left, TypedExpression right, long most)
    {
        (TypedExpression text, TextConstantExpression? known) = StoredTypes.WithoutTextCasts(left) is TextConstantExpression first
            ? (right, first)
            : (left, StoredTypes.WithoutTextCasts(right) as TextConstantExpression);
        if (known is not null && known.Bytes.Length < most)
            return new Binary(BinaryOperator.Equal, Text(text), Text(known)); // Only that text itself begins like it, its end included.

        // What follows a shorter text's zero does not matter: the zero differs already.
        int capacity = StoredTypes.RoundUp((int)Math.Min(most, ProgramLimits.FieldCapacity - 8));
        if (known is not null && most > 0 && MostOf(text) is LoadText load && MostBytes(text) >= most)
            return new Binary(BinaryOperator.Equal, new LoadBytes(load.Address, new Constant(most, DataType.U64), capacity), new TextConstant(known.Bytes[..(int)most], capacity));
        return new Binary(BinaryOperator.Equal, Beginning(left, most), Beginning(right, most));
    }

    private Expression Beginning(TypedExpression expression, long most) => Text(expression) switch
    {
        TextConstant known => new TextConstant(known.Bytes[..(int)Math.Min(most, known.Bytes.Length)], known.Capacity),
        LoadText load when StoredTypes.RoundUp((int)Math.Min(most, load.Capacity)) < load.Capacity => new TextCut(new LoadText(load.Address, StoredTypes.RoundUp((int)most)), new Constant(most, DataType.U64), StoredTypes.RoundUp((int)most)),
        var text => new TextCut(text, new Constant(most, DataType.U64), text.Type.Capacity),
    };

    private static TextConstant Constant(ReadOnlySpan<byte> bytes) => new(bytes.ToArray(), StoredTypes.RoundUp(bytes.Length));

    /// <summary>A text of the capacity that a key has, which is that of the longest text that the script makes a key of.</summary>
    private Expression TextOf(TypedExpression expression, DataType type)
    {
        Expression text = Text(expression);
        if (MayBeCut(text))
            text = new TextCut(text, new Constant(text.Type.Capacity, DataType.U64), text.Type.Capacity); // Which is one with the same text that ends there.
        return text.Type.Capacity <= type.Capacity ? Widened(text, type.Capacity)
            : text is TextConstant constant && constant.Bytes.Length <= type.Capacity ? new TextConstant(constant.Bytes, type.Capacity)
            : throw Refuse(expression, "texts of several lengths are keys of one map");
    }

    /// <summary>Whether a text may be marked as one that goes on behind its last byte.</summary>
    private static bool MayBeCut(Expression text) => text is LoadText || (text is Conditional choice && (MayBeCut(choice.WhenTrue) || MayBeCut(choice.WhenFalse)));

    /// <summary>A map's key, in the parts that it is stored in.</summary>
    private List<Expression> Key(MapSymbol symbol, TypedExpression? key)
    {
        LoweredMap map = maps.Of(symbol);
        List<Expression> parts = [];
        if (key is not null)
        {
            try
            {
                AddParts(map, symbol.KeyType, key, parts);
            }
            catch (LoweringException e) when (e.KeyOf is null)
            {
                throw new LoweringException(e.Refusal.Span, e.Refusal.Reason) { KeyOf = symbol };
            }
        }
        else if (map.Definition.IsKeyed)
            parts.Add(new Constant(0, DataType.U8));
        return parts;
    }

    private void AddParts(LoweredMap map, ScriptType type, TypedExpression key, List<Expression> parts)
    {
        if (type is TupleType tuple)
        {
            for (int i = 0; i < tuple.Elements.Count; i++)
                AddParts(map, tuple.Elements[i], MapPlan.ElementOf(key, i), parts);
            return;
        }

        KeyPart part = map.Key[parts.Count];
        parts.Add(part.Kind != KeyPartKind.Value ? new Builtin(BuiltinKind.ProbeIndex)
            : part.Stored.IsText ? TextOf(key, part.Stored)
            : IntegerAs(key, part.Stored));
    }
}
