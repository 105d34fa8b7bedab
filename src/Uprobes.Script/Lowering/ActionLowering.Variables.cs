using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Lowering;

/// <summary>What variables hold. Texts stay where they are: what is kept is their address.</summary>
internal sealed partial class ActionLowering
{
    /// <summary>Variables that hold one certain text, or certain bytes, from here on.</summary>
    private readonly Dictionary<VariableSymbol, Expression> _texts = [];

    /// <summary>Variables that hold bytes that are known.</summary>
    private readonly Dictionary<VariableSymbol, BytesConstantExpression> _bytes = [];

    /// <summary>Variables that hold one of several texts.</summary>
    private readonly Dictionary<VariableSymbol, TextSlot> _slots = [];

    /// <summary>What those may hold, by its number less 1: a text of the program's, or one in memory of a certain capacity.</summary>
    private readonly List<(Expression? Text, int Capacity)> _kinds = [];

    /// <summary>Tuples are variables each of their elements.</summary>
    private readonly Dictionary<VariableSymbol, VariableSymbol[]> _tuples = [];

    /// <summary>Which are to be <see cref="_slots"/>.</summary>
    private HashSet<VariableSymbol> _chosen = [];

    private void Assign(AssignVariable assign)
    {
        switch (assign.Variable.Type)
        {
            case TextType when _chosen.Contains(assign.Variable):
                TextSlot slot = SlotOf(assign.Variable);
                if (assign.Value is { } chosen)
                    Put(slot, chosen);
                else
                    Set(slot.Kind, new Constant(0, DataType.U8));
                break;
            case TextType when assign.Value is { } text:
                _texts[assign.Variable] = Kept(Text(text));
                break;
            case TextType:
                _texts.Remove(assign.Variable);
                break;
            case TupleType or RecordType:
                AssignTuple(assign);
                break;
            case BufferType buffer when _nesting == 0 && assign.Value is CallExpression { Function: ScriptFunction.Buf } call:
                _texts[assign.Variable] = Kept(Bytes(call, buffer));
                break;
            case ArrayType when assign.Value is BytesConstantExpression bytes && _nesting == 0:
                _bytes[assign.Variable] = bytes;
                break;
            case ArrayType when _bytes.ContainsKey(assign.Variable):
                throw new LoweringException(assign.Span, $"{assign.Variable} holds bytes that are known or others");
            case StackType or BufferType:
                throw new LoweringException(assign.Span, $"a variable holds {assign.Variable.Type}");
            default:
                DataType type = StoredTypes.Of(assign.Variable.Type);
                Set(LocalOf(assign.Variable), assign.Value is { } value ? IntegerAs(value, type) : new Constant(0, type));
                break;
        }
    }

    private void Set(int local, Expression value) => _statements.Add(new SetLocal(local, value));

    /// <summary>The same text, wherever what its address was made of has gone.</summary>
    private Expression Kept(Expression text) => text switch
    {
        LoadText load => load with { Address = InLocal(load.Address) },
        LoadBytes load => load with { Address = InLocal(load.Address), Length = InLocal(load.Length) },
        TextCut cut => cut with { Text = Kept(cut.Text), Length = InLocal(cut.Length) },
        _ => text,
    };

    private Expression InLocal(Expression value)
    {
        if (value is Constant)
            return value;
        int local = NewLocal(value.Type);
        Set(local, value);
        return new LocalValue(local, value.Type);
    }

    private TextSlot SlotOf(VariableSymbol variable)
    {
        if (!_slots.TryGetValue(variable, out TextSlot? slot))
            _slots.Add(variable, slot = new TextSlot(NewLocal(DataType.U8), NewLocal(DataType.U64), NewLocal(DataType.U64), StoredTypes.Text((TextType)variable.Type).Capacity));
        return slot;
    }

    /// <summary>Has a variable hold one of the texts that an expression may be.</summary>
    private void Put(TextSlot slot, TypedExpression value)
    {
        switch (StoredTypes.WithoutTextCasts(value))
        {
            case ConditionalExpression choice:
                LowerIf(choice.Condition, () => Put(slot, choice.WhenTrue), () => Put(slot, choice.WhenFalse));
                break;
            case BlockExpression { Result: { } result } block:
                LowerWithin(block);
                Put(slot, result);
                break;
            case ElementExpression element:
                Put(slot, Resolve(element));
                break;
            case VariableExpression { Variable: var other } when _chosen.Contains(other):
                TextSlot source = SlotOf(other);
                if (source.Capacity > slot.Capacity)
                    throw Refuse(value, "a text is put into a variable of shorter ones");
                slot.Sources.Add(source);
                Set(slot.Kind, new LocalValue(source.Kind, DataType.U8));
                Set(slot.Address, new LocalValue(source.Address, DataType.U64));
                Set(slot.Length, new LocalValue(source.Length, DataType.U64));
                break;
            default:
                Put(slot, Text(value), value);
                break;
        }
    }

    private void Put(TextSlot slot, Expression text, TypedExpression value)
    {
        int kind;
        switch (text)
        {
            case TextConstant or ThreadName or PlaceName:
                kind = KindOf(text, text is TextConstant known ? StoredTypes.RoundUp(known.Bytes.Length) : text.Type.Capacity);
                break;
            case LoadText load:
                Set(slot.Address, As(load.Address, DataType.U64));
                Set(slot.Length, new Constant(load.Capacity, DataType.U64));
                kind = KindOf(null, load.Capacity);
                break;
            case TextCut { Text: LoadText load } cut:
                // The length may be made of what the variable holds until now.
                Expression length = InLocal(As(cut.Length, DataType.U64));
                Set(slot.Address, As(load.Address, DataType.U64));
                Set(slot.Length, length);
                kind = KindOf(null, load.Capacity);
                break;
            default:
                throw Refuse(value, "a variable holds a text that is made of others");
        }

        if (_kinds[kind - 1].Capacity > slot.Capacity)
            throw Refuse(value, "a text is put into a variable of shorter ones");
        slot.Kinds.Add(kind);
        Set(slot.Kind, new Constant(kind, DataType.U8));
    }

    private int KindOf(Expression? text, int capacity)
    {
        int known = _kinds.FindIndex(kind => kind.Capacity == capacity && AreSame(kind.Text, text));
        if (known >= 0)
            return known + 1;
        _kinds.Add((text, capacity));
        return _kinds.Count;

        static bool AreSame(Expression? left, Expression? right) =>
            left is TextConstant one && right is TextConstant other ? one.Bytes.Span.SequenceEqual(other.Bytes.Span) : Equals(left, right);
    }

    /// <summary>What is put in place of <see cref="HeldText"/>.</summary>
    private Expression? Resolve(Expression expression)
    {
        if (expression is not HeldText { Slot: var slot })
            return expression is PlaceValue ? expression : null;
        Expression held = new TextConstant(default, slot.Capacity);
        foreach (int kind in slot.AllKinds())
        {
            (Expression? known, int capacity) = _kinds[kind - 1];
            Expression text = known is null
                ? new TextCut(new LoadText(new LocalValue(slot.Address, DataType.U64), capacity), new LocalValue(slot.Length, DataType.U64), slot.Capacity)
                : Widened(known, slot.Capacity);
            held = new Conditional(new Binary(BinaryOperator.Equal, new LocalValue(slot.Kind, DataType.U8), new Constant(kind, DataType.U8)), text, held);
        }

        return held;
    }

    private VariableSymbol[] ElementsOf(VariableSymbol tuple)
    {
        if (_tuples.TryGetValue(tuple, out VariableSymbol[]? elements))
            return elements;
        elements = [.. ElementTypes(tuple.Type).Select((type, i) => new VariableSymbol($"{tuple.Name}.{i}", tuple.Declared) { Type = type })];
        foreach (VariableSymbol element in elements.Where(e => e.Type is TextType))
            _chosen.Add(element);
        _tuples.Add(tuple, elements);
        return elements;
    }

    private static TypeList ElementTypes(ScriptType type) => type is RecordType record ? record.Elements : ((TupleType)type).Elements;

    private void AssignTuple(AssignVariable assign)
    {
        VariableSymbol[] targets = ElementsOf(assign.Variable);
        switch (assign.Value)
        {
            case null:
                foreach (VariableSymbol target in targets)
                    Assign(new AssignVariable(target, null, assign.Span));
                return;
            case ConditionalExpression choice:
                LowerIf(choice.Condition, () => AssignTuple(assign with { Value = choice.WhenTrue }), () => AssignTuple(assign with { Value = choice.WhenFalse }));
                return;
        }

        IReadOnlyList<TypedExpression> values = Elements(assign.Value);
        if (values.Any(value => Mentions(value, assign.Variable)))
            values = [.. values.Select(value => Held(value, assign.Span))];
        for (int i = 0; i < targets.Length; i++)
            Assign(new AssignVariable(targets[i], values[i], assign.Span));
    }

    /// <summary>A variable of its own that holds what an expression is now.</summary>
    private VariableExpression Held(TypedExpression value, SourceSpan span)
    {
        VariableSymbol variable = new("", span) { Type = value.Type };
        if (value.Type is TextType)
            _chosen.Add(variable);
        Assign(new AssignVariable(variable, value, span));
        return new VariableExpression(variable, span);
    }

    private bool Mentions(TypedExpression expression, VariableSymbol tuple) =>
        (expression is VariableExpression { Variable: var variable } && (variable == tuple || ElementsOf(tuple).Contains(variable)))
        || expression is BlockExpression || ExpressionParts.Of(expression).Any(part => Mentions(part, tuple));

    /// <summary>The elements of a tuple or a record.</summary>
    private IReadOnlyList<TypedExpression> Elements(TypedExpression tuple)
    {
        switch (tuple)
        {
            case TupleExpression made:
                return made.Elements;
            case VariableExpression { Variable: var variable }:
                return [.. ElementsOf(variable).Select(element => new VariableExpression(element, tuple.Span))];
            case CastExpression { Operand: { Type: TupleType or RecordType } operand }:
                return [.. Elements(operand).Zip(ElementTypes(tuple.Type), (element, type) => element.Type == type ? element : new CastExpression(element, type, tuple.Span))];
            case ConditionalExpression choice:
                TypedExpression condition = _maybes > 0 ? choice.Condition : Held(new CastExpression(choice.Condition, ScriptType.Boolean, choice.Span), choice.Span);
                return [.. Elements(choice.WhenTrue).Zip(Elements(choice.WhenFalse), (yes, no) => new ConditionalExpression(condition, yes, no, yes.Type, choice.Span))];
            case BlockExpression { Result: { } result } block:
                LowerWithin(block);
                return Elements(result);
            case ElementExpression element:
                return Elements(Resolve(element));
            default:
                throw Refuse(tuple, $"{tuple.Type} is not a value that programs in the target can work with");
        }
    }

    /// <summary>What an element of a tuple is.</summary>
    private TypedExpression Resolve(ElementExpression element)
    {
        TypedExpression found = Elements(element.Tuple)[element.Index];
        return found.Type == element.Type ? found : new CastExpression(found, element.Type, element.Span);
    }
}
