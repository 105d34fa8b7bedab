using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Texts, and the keys of maps.</summary>
internal sealed partial class ActionLowering
{
    /// <summary>A text of any capacity.</summary>
    private Expression Text(TypedExpression expression)
    {
        TypedExpression text = StoredTypes.WithoutTextCasts(expression);
        return text switch
        {
            VariableExpression { Variable: var variable } when _texts.TryGetValue(variable, out Expression? held) => held,
            TextConstantExpression constant when !constant.Bytes.Span.Contains((byte)0) => new TextConstant(constant.Bytes, StoredTypes.RoundUp(constant.Bytes.Length)),
            BuiltinExpression { Builtin: ScriptBuiltin.ThreadName } => new ThreadName(),
            BuiltinExpression { Builtin: ScriptBuiltin.ProbeType } => Constant(isReturn ? "uretprobe"u8 : "uprobe"u8),
            CallExpression { Function: ScriptFunction.Str, Arguments: [{ Type.IsScalar: true } address, ..] arguments, Type: TextType type } when arguments.Count == 1 || arguments[1] is ConstantExpression =>
                new LoadText(Integer(address), StoredTypes.Text(type).Capacity),
            CharacterArrayExpression { Count: var count } array when count % 8 == 0 && count > 0 => new LoadText(Integer(array.Address), count),
            MapExpression map when maps.IsForReader(map.Map) => throw Why(map.Map),
            _ => throw Refuse(expression, "programs in the target cannot make that text"),
        };

        LoweringException Why(MapSymbol map) => new(expression.Span, maps.WhyForReader(map).Reason);
    }

    /// <summary>Whether two texts are the same up to some byte, one of them being known: as strncmp() is used.</summary>
    private Binary HaveOneBeginning(TypedExpression left, TypedExpression right, long most)
    {
        (TypedExpression text, TextConstantExpression? known) = StoredTypes.WithoutTextCasts(left) is TextConstantExpression first
            ? (right, first)
            : (left, StoredTypes.WithoutTextCasts(right) as TextConstantExpression);
        if (known is null || known.Bytes.Span.Contains((byte)0) || most == 0)
            throw Refuse(left, "the beginnings of two texts are compared that are known only when they are there");
        if (known.Bytes.Length < most)
            return new Binary(BinaryOperator.Equal, Text(text), Text(known)); // Only that text itself begins like it, its end included.

        // What follows a shorter text's zero does not matter: the zero differs already.
        if (Text(text) is not LoadText load || text.Type is not TextType type || StoredTypes.MostBytes(type) < most)
            throw Refuse(text, "programs in the target cannot take the beginning of that text");
        int capacity = StoredTypes.RoundUp((int)most);
        return new Binary(BinaryOperator.Equal, new LoadBytes(load.Address, new Constant(most, DataType.U64), capacity), new TextConstant(known.Bytes[..(int)most], capacity));
    }

    private static TextConstant Constant(ReadOnlySpan<byte> bytes) => new(bytes.ToArray(), StoredTypes.RoundUp(bytes.Length));

    /// <summary>A text of the capacity that a key has.</summary>
    private Expression TextOf(TypedExpression expression, DataType type)
    {
        Expression text = Text(expression);
        return text.Type == type ? text
            : text is TextConstant constant && constant.Bytes.Length <= type.Capacity ? new TextConstant(constant.Bytes, type.Capacity)
            : text is LoadText load && StoredTypes.WithoutTextCasts(expression) is CallExpression { Arguments.Count: 1 } ? new LoadText(load.Address, type.Capacity)
            : throw Refuse(expression, "texts of several lengths are keys of one map");
    }

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
