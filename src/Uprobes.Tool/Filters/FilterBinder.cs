using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Filters;

/// <summary>Makes an expression of a filter: looks names up, and lets operands agree on a type.</summary>
internal sealed class FilterBinder
{
    private static readonly ProbeProgram KeepingAll =
        new([new FollowCall([.. Enumerable.Repeat(new Constant(0, DataType.U64), ProgramLimits.FollowWords)])], []);

    private readonly string _text;
    private readonly FilterNames _names;

    private FilterBinder(string text, FilterNames names) => (_text, _names) = (text, names);

    /// <summary>Binds a whole filter.</summary>
    /// <exception cref="FilterException">It means nothing.</exception>
    internal static Expression Bind(string text, FilterSyntax syntax, FilterNames names)
    {
        Expression expression = new FilterBinder(text, names).Integer(syntax);

        // All that is left to find is that it is too deep or too large for a program.
        ProbeProgram program = new([new If(expression, [], [])], []);
        ProgramGroup group = names.IsReturn ? new() { Entry = KeepingAll, Return = program } : new() { Entry = program };
        return ProgramChecker.Check(group) is [var problem, ..]
            ? throw new FilterException(text, 0, $"too large: {problem.What}; expected a simpler one")
            : expression;
    }

    private Expression Integer(FilterSyntax syntax) => syntax switch
    {
        NumberSyntax number => Number(number),
        NameSyntax name => Name(name),
        CallSyntax { Name: "reg" } call => Register(call),
        PrefixSyntax prefix => Prefix(prefix),
        CastSyntax cast => Cast(cast),
        InfixSyntax { Operator: "&&" or "||" } logical => Logical(logical),
        InfixSyntax infix => Infix(infix),
        CallSyntax { Name: "str" } => throw Error(syntax, "str(...) is a text; expected a comparison such as str(arg0) == \"text\""),
        TextSyntax => throw Error(syntax, "a text stands alone; expected a comparison such as str(arg0) == \"text\""),
        CallSyntax call => throw Error(call, $"there is no function `{call.Name}`; expected reg(\"rdi\") or str(ADDRESS)"),
        _ => throw new ArgumentException($"unknown syntax {syntax.GetType().Name}", nameof(syntax)),
    };

    private Constant Number(NumberSyntax syntax) => FilterLiterals.Number(syntax.Literal) ?? throw Error(syntax, syntax.Literal[0] == '\''
        ? $"{syntax.Literal} is not one character; expected one such as 'a', '\\n' or '\\x41'"
        : $"`{syntax.Literal}` is not a number of 64 bits; expected one such as 42, 0x2a, 64K or 10us");

    private Expression Name(NameSyntax syntax)
    {
        if (_names.TryGet(syntax.Name, out Expression? value, out string? reason))
            return As(value!, DataType.I64);

        if (reason is not null)
            throw Error(syntax, $"{syntax.Name} is {reason}");

        if (syntax.Name is "reg" or "str")
            throw Error(syntax, $"{syntax.Name} needs an argument; expected {(syntax.Name == "reg" ? "reg(\"rdi\")" : "str(ADDRESS)")}");

        IReadOnlyList<string> near = NearNames.Find(syntax.Name, _names.Known, 1);
        string expected = near is [var nearest] ? nearest : string.Join(", ", _names.Known.Order(StringComparer.Ordinal)) + " or reg(\"rdi\")";
        throw Error(syntax, $"there is no `{syntax.Name}`; expected {expected}");
    }

    private Expression Register(CallSyntax call)
    {
        string? name = (call.Argument as TextSyntax)?.Literal[1..^1];
        for (int i = 0; i < FilterNames.Registers.Count; i++)
        {
            if (FilterNames.Registers[i] == name)
                return As(new RegisterValue(i), DataType.I64);
        }

        throw Error(call.Argument, "not a register; expected \"rax\", \"rbx\", \"rcx\", \"rdx\", \"rsi\", \"rdi\", \"rbp\", \"rsp\" or \"r8\" to \"r15\"");
    }

    private Expression Prefix(PrefixSyntax syntax)
    {
        if (syntax.Operator == "*")
            return new Load(Integer(syntax.Operand), DataType.I64);

        // Its absolute value alone would be a uint64.
        if (syntax is { Operator: "-", Operand: NumberSyntax number } && Number(number) is { Value: long.MinValue })
            return new Constant(long.MinValue, DataType.I64);

        Expression operand = Integer(syntax.Operand);
        UnaryOperator @operator = syntax.Operator switch
        {
            "!" => UnaryOperator.Not,
            "~" => UnaryOperator.Complement,
            _ => UnaryOperator.Negate,
        };
        if (@operator != UnaryOperator.Not)
            operand = To64Bits(operand);

        Unary unary = new(@operator, operand);
        return operand is Constant constant ? new Constant(IntegerArithmetic.Apply(@operator, constant.Type, constant.Value), unary.Type) : unary;
    }

    private Expression Cast(CastSyntax syntax)
    {
        _ = FilterTypes.TryGet(syntax.Type, out DataType type);

        // Reading no more than is wanted: what is behind it may not be there.
        return syntax.Operand is PrefixSyntax { Operator: "*" } read ? new Load(Integer(read.Operand), type) : As(Integer(syntax.Operand), type);
    }

    /// <summary>Long chains become a balanced tree, which means the same and stays flat.</summary>
    private Expression Logical(InfixSyntax syntax)
    {
        List<Expression> operands = [];
        FilterSyntax rest = syntax;
        while (rest is InfixSyntax infix && infix.Operator == syntax.Operator)
        {
            operands.Add(Integer(infix.Right));
            rest = infix.Left;
        }

        operands.Add(Integer(rest));
        operands.Reverse();
        return Join(syntax.Operator == "&&" ? BinaryOperator.LogicalAnd : BinaryOperator.LogicalOr, operands, 0, operands.Count);
    }

    private static Expression Join(BinaryOperator @operator, List<Expression> operands, int start, int end)
    {
        int middle = start + ((end - start) / 2);
        return end - start == 1 ? operands[start] : new Binary(@operator, Join(@operator, operands, start, middle), Join(@operator, operands, middle, end));
    }

    private Binary Infix(InfixSyntax syntax)
    {
        BinaryOperator @operator = OperatorOf(syntax.Operator);
        if (IsText(syntax.Left) || IsText(syntax.Right))
            return Texts(syntax, @operator);

        Expression left = To64Bits(Integer(syntax.Left)), right = To64Bits(Integer(syntax.Right));
        bool isShift = @operator is BinaryOperator.ShiftLeft or BinaryOperator.ShiftRight;
        if (!isShift && left.Type != right.Type)
            (left, right) = (As(left, DataType.U64), As(right, DataType.U64));

        return new(@operator, left, right);
    }

    private Binary Texts(InfixSyntax syntax, BinaryOperator @operator)
    {
        if (@operator is not (BinaryOperator.Equal or BinaryOperator.NotEqual))
            throw Error(syntax, $"`{syntax.Operator}` is not for texts; expected == or !=");

        FilterSyntax? number = !IsText(syntax.Left) ? syntax.Left : !IsText(syntax.Right) ? syntax.Right : null;
        if (number is not null)
            throw Error(syntax, "a number is compared with a text; expected str(ADDRESS) on the number's side");

        TextConstant? left = Constant(syntax.Left), right = Constant(syntax.Right);
        return new(@operator, (Expression?)left ?? Read(syntax.Left, right), (Expression?)right ?? Read(syntax.Right, left));
    }

    private static bool IsText(FilterSyntax syntax) => syntax is TextSyntax or CallSyntax { Name: "str" };

    private TextConstant? Constant(FilterSyntax syntax)
    {
        if (syntax is not TextSyntax text)
            return null;

        byte[] bytes = FilterLiterals.Bytes(text.Literal)
            ?? throw Error(text, "has an escape that C does not have; expected one such as \\n, \\\\, \\\" or \\x41");
        if (bytes.Contains((byte)0))
            throw Error(text, "has a zero in it; expected a text, which ends before the first zero");

        return bytes.Length < ProgramLimits.TextCapacity
            ? new(bytes, CapacityFor(bytes.Length))
            : throw Error(text, $"longer than texts that can be compared; expected at most {ProgramLimits.TextCapacity - 1} bytes");
    }

    /// <summary>A byte more than what it is compared with: a longer text that was cut to the same length is not the same.</summary>
    private LoadText Read(FilterSyntax syntax, TextConstant? other) =>
        new(Integer(((CallSyntax)syntax).Argument), other?.Capacity ?? ProgramLimits.TextCapacity);

    private static int CapacityFor(int bytes) => (bytes + 8) / 8 * 8;

    private static Expression To64Bits(Expression value) => value.Type == DataType.U64 ? value : As(value, DataType.I64);

    /// <summary>A cast that does not pile up.</summary>
    private static Expression As(Expression value, DataType type)
    {
        if (value.Type == type)
            return value;
        if (value is Constant constant)
            return new Constant(type.Wrap(constant.Value), type);

        return value is Cast { Type.Bits: 64, Operand.Type.Bits: 64 } cast ? As(cast.Operand, type) : new Cast(value, type);
    }

    private static BinaryOperator OperatorOf(string symbol) => symbol switch
    {
        "|" => BinaryOperator.Or,
        "^" => BinaryOperator.Xor,
        "&" => BinaryOperator.And,
        "==" => BinaryOperator.Equal,
        "!=" => BinaryOperator.NotEqual,
        "<" => BinaryOperator.Less,
        "<=" => BinaryOperator.LessOrEqual,
        ">" => BinaryOperator.Greater,
        ">=" => BinaryOperator.GreaterOrEqual,
        "<<" => BinaryOperator.ShiftLeft,
        ">>" => BinaryOperator.ShiftRight,
        "+" => BinaryOperator.Add,
        "-" => BinaryOperator.Subtract,
        "*" => BinaryOperator.Multiply,
        "/" => BinaryOperator.Divide,
        "%" => BinaryOperator.Remainder,
        _ => throw new ArgumentOutOfRangeException(nameof(symbol), symbol, "not an operator between numbers"),
    };

    private FilterException Error(FilterSyntax syntax, string what) => new(_text, syntax.Position, what);
}
