using System.Text;
using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.Tests.Programs;

/// <summary>Random expressions for one program.</summary>
internal sealed class ExpressionGenerator(
    ChoiceSource choices, IReadOnlyList<MapDefinition> maps, IReadOnlyList<DataType> locals, bool isReturn, int followWords)
{
    private const int Deepest = 6, StackRegister = 4;

    /// <summary>How many more nodes there may be.</summary>
    internal int Budget { get; set; }

    /// <summary>An integer of a type.</summary>
    internal Expression Integer(DataType type, int depth)
    {
        Budget--;
        if (choices.IsExhausted || Budget <= 0 || depth >= Deepest)
            return Constant(type);

        return choices.Below(17) switch
        {
            16 => As(OfTexts(depth), type),
            0 => Constant(type),
            1 or 2 => As(Word(), type),
            3 => As(Environment(), type),
            4 or 5 => new Load(Address(depth + 1), type),
            6 => new Unary(choices.Of(UnaryOperator.Negate, UnaryOperator.Complement, UnaryOperator.SwapBytes), Integer(type, depth + 1)),
            7 or 8 => Arithmetic(type, depth),
            9 => Shift(type, depth),
            10 => As(Truth(depth), type),
            11 => new Cast(Integer(DefinitionGenerator.IntegerType(choices), depth + 1), type),
            12 => new Conditional(Condition(depth + 1), Integer(type, depth + 1), Integer(type, depth + 1)),
            13 => locals.Count > 0 ? As(Local(), type) : Arithmetic(type, depth),
            14 => MapRead(type, depth),
            _ => Arithmetic(type, depth),
        };
    }

    /// <summary>An integer of any type.</summary>
    internal Expression Condition(int depth) => Integer(choices.Of(DataType.Boolean, DefinitionGenerator.IntegerType(choices)), depth);

    /// <summary>A value of any type, for a key or a field.</summary>
    internal Expression Part(DataType type, int depth) => type.IsText ? Text(type.Capacity, depth) : Integer(type, depth);

    internal Expression[] Key(int map, int depth) => [.. maps[map].Keys.Select(k => Part(k, depth))];

    private Constant Constant(DataType type) => new(type.Wrap(InterestingNumbers.Choose(choices)), type);

    private static Expression As(Expression value, DataType type) => value.Type == type ? value : new Cast(value, type);

    private Expression Word() => choices.Below(4) switch
    {
        0 when isReturn => new ReturnValue(),
        0 or 1 when !isReturn => new Argument(choices.OnceIn(3) ? 6 + choices.Below(6) : choices.Below(6)),
        1 or 2 when isReturn && followWords > 0 => new EntryWord(choices.Below(followWords)),
        3 when choices.OnceIn(4) => new Binary(BinaryOperator.And, new RegisterValue(StackRegister), new Constant(0xfff, DataType.U64)),
        _ => Register(),
    };

    private RegisterValue Register()
    {
        int number = choices.Below(15);
        return new(number >= StackRegister ? number + 1 : number);
    }

    private Builtin Environment() => new(choices.Below(7) switch
    {
        0 => BuiltinKind.ProbeIndex,
        1 => BuiltinKind.ProcessId,
        2 => BuiltinKind.ThreadId,
        3 => BuiltinKind.SiteAddress,
        4 when isReturn => BuiltinKind.Duration,
        5 => BuiltinKind.Instruction,
        _ => BuiltinKind.Timestamp,
    });

    private Expression Address(int depth)
    {
        Budget--;
        return choices.Below(8) switch
        {
            0 or 1 or 2 => new Constant((long)SyntheticMemory.Address(choices), DataType.U64),
            3 => Register(),
            4 => new Binary(BinaryOperator.Add, Register(), new Constant(choices.Below(64), DataType.U64)),
            5 => new Binary(BinaryOperator.Add, new RegisterValue(StackRegister), new Constant(choices.Below(200), DataType.U64)),
            6 => Word(),
            _ => Integer(choices.Of(DataType.U64, DataType.I64, DefinitionGenerator.IntegerType(choices)), depth + 1),
        };
    }

    private Binary Arithmetic(DataType type, int depth) => new(
        choices.Of(
            BinaryOperator.Add, BinaryOperator.Subtract, BinaryOperator.Multiply, BinaryOperator.Divide, BinaryOperator.Remainder,
            BinaryOperator.And, BinaryOperator.Or, BinaryOperator.Xor),
        Integer(type, depth + 1), Integer(type, depth + 1));

    private Binary Shift(DataType type, int depth) => new(
        choices.Of(BinaryOperator.ShiftLeft, BinaryOperator.ShiftRight), Integer(type, depth + 1), Integer(DefinitionGenerator.IntegerType(choices), depth + 1));

    /// <summary>0 or 1.</summary>
    private Expression Truth(int depth)
    {
        DataType type = DefinitionGenerator.IntegerType(choices);
        return choices.Below(8) switch
        {
            0 => new Unary(UnaryOperator.Not, Integer(type, depth + 1)),
            1 or 2 => new Binary(choices.Of(BinaryOperator.LogicalAnd, BinaryOperator.LogicalOr), Condition(depth + 1), Condition(depth + 1)),
            3 => new Binary(
                choices.Of(BinaryOperator.Equal, BinaryOperator.NotEqual),
                Text(choices.Of(8, 16, 64), depth + 1), Text(choices.Of(8, 16, 64), depth + 1)),
            _ => new Binary(
                choices.Of(
                    BinaryOperator.Equal, BinaryOperator.NotEqual, BinaryOperator.Less, BinaryOperator.LessOrEqual, BinaryOperator.Greater,
                    BinaryOperator.GreaterOrEqual),
                Integer(type, depth + 1), Integer(type, depth + 1)),
        };
    }

    private Expression OfTexts(int depth)
    {
        int capacity = choices.Of(8, 16, 64);
        return choices.Below(5) switch
        {
            0 => new TextLength(Text(capacity, depth + 1)),
            1 => new TextFind(Text(capacity, depth + 1), Text(choices.Of(8, 16, 64), depth + 1)),
            2 => new TextDifference(Text(capacity, depth + 1), Text(capacity, depth + 1)),
            _ => new TextMatch(Text(capacity, depth + 1), Pattern()),
        };
    }

    /// <summary>Of few letters, so that it matches now and then.</summary>
    private byte[] Pattern()
    {
        StringBuilder pattern = new();
        for (int i = choices.Below(7); i > 0; i--)
            pattern.Append(choices.Of("*", "*", "?", "a", "b", "aa", "zz", "[a-y]", "[!a]", "[^b-z]", "[]a]", "["));
        return Encoding.ASCII.GetBytes(pattern.ToString());
    }

    private Expression Text(int capacity, int depth)
    {
        Budget--;
        if (depth < Deepest && choices.OnceIn(6))
        {
            return choices.OnceIn(2) ? new Conditional(Condition(depth + 1), Text(capacity, depth + 1), Text(capacity, depth + 1))
                : new TextCut(Text(capacity > 8 && choices.OnceIn(2) ? 8 : capacity, depth + 1), choices.OnceIn(3) ? Integer(DataType.U64, depth + 1) : new Constant(choices.Below(capacity + 4), DataType.U64), capacity);
        }

        switch (choices.Below(6))
        {
            case 0 or 1 or 2:
                return new LoadText(Address(depth + 1), capacity);
            case 3:
                return new LoadBytes(Address(depth + 1), choices.OnceIn(3) ? Integer(DataType.U64, depth + 1) : new Constant(choices.Below(capacity + 20), DataType.U64), capacity);
            case 4 when choices.OnceIn(2):
                return new StackBytes(capacity);
        }

        string letters = new(choices.Of('a', 'z', 'b'), choices.Below(Math.Min(capacity, 40) + 1));
        return new TextConstant(Encoding.ASCII.GetBytes(letters), capacity);
    }

    private LocalValue Local()
    {
        int index = choices.Below(locals.Count);
        return new(index, locals[index]);
    }

    private Expression MapRead(DataType type, int depth)
    {
        int[] read = [.. Enumerable.Range(0, maps.Count).Where(m => maps[m].IsRead)];
        if (read.Length > 0 && choices.Below(2) == 0)
        {
            int aggregated = choices.Of(read);
            return As(new MapCell(aggregated, Key(aggregated, depth + 1), choices.Below(maps[aggregated].CellWords)), type);
        }

        int[] values = [.. Enumerable.Range(0, maps.Count).Where(m => maps[m].Kind == AggregateKind.Value)];
        if (values.Length == 0)
            return Constant(type);

        int map = choices.Of(values);
        return choices.OnceIn(3)
            ? As(new MapContains(map, Key(map, depth + 1)), type)
            : As(new MapValue(map, Key(map, depth + 1), maps[map].ValueType), type);
    }
}
