using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Functions that give numbers, and what is compared element by element.</summary>
internal sealed partial class ActionLowering
{
    /// <summary>Bytes that memcmp() compares where the script does not say how many.</summary>
    private const int MostCompared = 1024;

    /// <summary>Bytes of the largest array that is compared.</summary>
    private const int LargestCompared = 128;

    private Expression CallValue(CallExpression call)
    {
        switch (call.Function, call.Arguments)
        {
            case (ScriptFunction.HasKey, [MapReferenceExpression { Map: var map }, var key]) when maps.Of(map).HoldsValues:
                return AsOfNow(new MapContains(maps.IndexOf(map), Key(map, key)), map);
            case (ScriptFunction.HasKey, [MapReferenceExpression { Map: var map }, var key]) when maps.Of(map).Definition.IsRead:
                return AsOfNow(new Binary(BinaryOperator.NotEqual, new MapCell(maps.IndexOf(map), Key(map, key), maps.Of(map).Definition.PresenceWord), new Constant(0, DataType.U64)), map);
            case (ScriptFunction.Find, [MapReferenceExpression { Map: var map }, var key, VariableExpression { Variable: var variable }]) when maps.Of(map).HoldsValues:
                return Found(call, map, key, variable);
            case (ScriptFunction.Delete, [MapReferenceExpression { Map: var map }, ..]) when maps.Of(map).HoldsValues:
                return Deleted(call, map, call.Arguments.Count > 1 ? call.Arguments[1] : null);
            case (ScriptFunction.Reg, [TextConstantExpression name]):
                return Register(name);
            case (ScriptFunction.Uptr, [var pointer]):
                return Integer(pointer);
            case (ScriptFunction.Uaddr, [TextConstantExpression name]):
                return new Binary(BinaryOperator.Add, new Builtin(BuiltinKind.SiteAddress), OfPlace(new SymbolDistance(System.Text.Encoding.UTF8.GetString(name.Bytes.Span))));
            case (ScriptFunction.Bswap, [var number]):
                return new Unary(UnaryOperator.SwapBytes, IntegerAs(number, StoredTypes.Of(call.Type)));
            case (ScriptFunction.Strlen, [var text]):
                return new TextLength(Text(text));
            case (ScriptFunction.Len, [{ Type: TextType } text]):
                return new TextLength(Text(text));
            case (ScriptFunction.Strcap, [{ Type: TextType type }]):
                return new Constant(type.Capacity, DataType.I64);
            case (ScriptFunction.Strstr, [var text, var sought]):
                return new TextFind(Text(text), Text(sought));
            case (ScriptFunction.Strcontains, [var text, var sought]):
                return new Binary(BinaryOperator.GreaterOrEqual, new TextFind(Text(text), Text(sought)), new Constant(0, DataType.I64));
            case (ScriptFunction.Strncmp, [var left, var right, ConstantExpression { Value: var most }]):
                return new Unary(UnaryOperator.Not, HaveOneBeginning(left, right, most));
            case (ScriptFunction.Globmatch, [var text, TextConstantExpression pattern]):
                return pattern.Bytes.Length <= ProgramLimits.PatternBytes
                    ? new TextMatch(Text(text), pattern.Bytes)
                    : throw Refuse(pattern, $"programs in the target take patterns of {ProgramLimits.PatternBytes} bytes at most");
            case (ScriptFunction.Memcmp, [var left, var right, var count]):
                return Difference(left, right, count);
            case (ScriptFunction.HasKey or ScriptFunction.Find or ScriptFunction.Delete, [MapReferenceExpression { Map: var map }, ..]):
                throw Refuse(call, maps.IsForReader(map) ? maps.WhyForReader(map).Reason : "what a map has aggregated is read");
            default:
                throw Refuse(call, WhyNot(call.Function));
        }
    }

    /// <summary>Why programs cannot do something, and what it takes.</summary>
    private static string WhyNot(ScriptFunction function) => function switch
    {
        ScriptFunction.Signal or ScriptFunction.SignalThread or ScriptFunction.Override or ScriptFunction.WriteUser => $"{NameOf(function)} is done to a thread that waits for it",
        ScriptFunction.Strftime or ScriptFunction.SignalName or ScriptFunction.SyscallName or ScriptFunction.Strerror or ScriptFunction.Usym or ScriptFunction.Ntop
            or ScriptFunction.Macaddr or ScriptFunction.StrConcat => $"the text of {NameOf(function)} is made by uprobe, and programs in the target cannot read it",
        _ => $"programs in the target have no {NameOf(function)}",
    };

    private static string NameOf(ScriptFunction function) => $"{FunctionTable.NameOf(function)}()";

    /// <summary>The variable gets the value if there is one.</summary>
    private LocalValue Found(CallExpression call, MapSymbol map, TypedExpression key, VariableSymbol variable)
    {
        RequireAlways(call);
        int index = maps.IndexOf(map), found = NewLocal(DataType.Boolean);
        List<Expression> parts = KeptKey(map, key);
        DataType held = maps.Of(map).Definition.ValueType;
        Set(found, new MapContains(index, parts));
        _statements.Add(new If(new LocalValue(found, DataType.Boolean), Within(() => Set(LocalOf(variable), As(new MapValue(index, parts, held), StoredTypes.Of(variable.Type)))), []));
        return new LocalValue(found, DataType.Boolean);
    }

    private LocalValue Deleted(CallExpression call, MapSymbol map, TypedExpression? key)
    {
        RequireAlways(call);
        int index = maps.IndexOf(map), found = NewLocal(DataType.Boolean);
        List<Expression> parts = KeptKey(map, key);
        Set(found, new MapContains(index, parts));
        _statements.Add(new DeleteKey(index, parts));
        return new LocalValue(found, DataType.Boolean);
    }

    private void RequireAlways(CallExpression call)
    {
        if (_maybes > 0)
            throw Refuse(call, "a value is changed only sometimes, within an expression");
    }

    private TextDifference Difference(TypedExpression left, TypedExpression right, TypedExpression count)
    {
        int capacity = count is ConstantExpression { Value: >= 0 and <= ProgramLimits.FieldCapacity and var known } ? StoredTypes.RoundUp((int)known)
            : count is ConstantExpression ? throw Refuse(count, $"programs in the target compare {ProgramLimits.FieldCapacity} bytes at most")
            : MostCompared;
        Expression wanted = IntegerAs(count, DataType.I64);
        if (wanted is not Programs.Constant)
            wanted = new Conditional(new Binary(BinaryOperator.Less, wanted, new Constant(0, DataType.I64)), new Constant(0, DataType.I64), wanted);
        return new TextDifference(Side(left), Side(right));

        Expression Side(TypedExpression side)
        {
            if (side.Type is not TextType)
                return new LoadBytes(Integer(side), wanted, capacity);
            Expression text = Text(side);
            return text is TextConstant known && known.Bytes.Length > capacity ? new TextConstant(known.Bytes[..(int)((Constant)wanted).Value], capacity)
                : text is TextConstant whole ? new TextCut(new TextConstant(whole.Bytes, StoredTypes.RoundUp(whole.Bytes.Length)), wanted, capacity)
                : text is LoadText load && load.Capacity > capacity ? new TextCut(new LoadText(load.Address, capacity), wanted, capacity)
                : text is TextCut { Text: LoadText cut } beginning && cut.Capacity > capacity ? new TextCut(new TextCut(new LoadText(cut.Address, capacity), beginning.Length, capacity), wanted, capacity)
                : text.Type.Capacity <= capacity ? new TextCut(text, wanted, capacity)
                : throw Refuse(side, "a text that is longer than what is compared of it is made of others");
        }
    }

    /// <summary>Whether tuples, records or arrays are the same: a Boolean.</summary>
    private Expression AreEqual(TypedExpression left, TypedExpression right, TypedExpression whole)
    {
        IEnumerable<Expression> all = left.Type is ArrayType
            ? SameWords(left, right, whole)
            : Elements(left).Zip(Elements(right), (one, other) => Integer(new BinaryExpression(Syntax.BinaryOperatorSyntax.Equal, one, other, ScriptType.Boolean, whole.Span)));
        return all.Aggregate((Expression?)null, (so, next) => so is null ? next : new Binary(BinaryOperator.LogicalAnd, so, next)) ?? new Constant(1, DataType.Boolean);
    }

    private IEnumerable<Expression> SameWords(TypedExpression left, TypedExpression right, TypedExpression whole)
    {
        int size = Math.Min(SizeOf(left), SizeOf(right));
        if (SizeOf(left) != SizeOf(right) || size > LargestCompared)
            throw Refuse(whole, $"programs in the target compare arrays of one size, and of {LargestCompared} bytes at most");
        (Func<int, DataType, Expression> one, Func<int, DataType, Expression> other) = (Words(left), Words(right));
        for (int at = 0, step; at < size; at += step)
        {
            step = size - at >= 8 ? 8 : size - at >= 4 ? 4 : size - at >= 2 ? 2 : 1;
            DataType type = new(8 * step, false, 0);
            yield return new Binary(BinaryOperator.Equal, one(at, type), other(at, type));
        }
    }

    private int SizeOf(TypedExpression array) => array is BytesConstantExpression bytes ? bytes.Bytes.Length : script.Types.SizeOf(array.Type);

    /// <summary>Integers of an array by their places.</summary>
    private Func<int, DataType, Expression> Words(TypedExpression array)
    {
        if ((array as BytesConstantExpression ?? (array is VariableExpression { Variable: var variable } ? _bytes.GetValueOrDefault(variable) : null)) is { } bytes)
            return (at, type) => new Constant(type.Wrap((long)Word(bytes.Bytes.Span.Slice(at, type.Bits / 8))), type);
        Expression address = _maybes > 0 ? Integer(array) : InLocal(Integer(array));
        return (at, type) => new Load(new Binary(BinaryOperator.Add, address, new Constant(at, address.Type)), type);
    }

    private static ulong Word(ReadOnlySpan<byte> bytes)
    {
        Span<byte> word = stackalloc byte[8];
        word.Clear();
        bytes.CopyTo(word);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(word);
    }
}
