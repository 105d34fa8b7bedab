using System.Globalization;
using System.Text;
using Uprobes.Channels;

namespace Uprobes.Programs;

/// <summary>
/// Expressions as text: as C writes them, every operation in parentheses, constants with their type behind them where it is not i64.
/// Whatever is beyond a number of nodes is shown as three dots, so that any expression can be printed, however large or deep.
/// </summary>
internal sealed class ExpressionPrinter
{
    private static readonly string[] RegisterNames =
        ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

    private readonly StringBuilder _text;
    private readonly int _deepest;
    private int _nodes;

    /// <summary>Prints behind a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="nodes">How many nodes to print at most, over all calls.</param>
    internal ExpressionPrinter(StringBuilder text, int nodes) =>
        (_text, _nodes, _deepest) = (text, nodes, ProgramLimits.ExpressionDepth + 1);

    /// <summary>An expression's first nodes.</summary>
    internal static string Print(Expression expression, int nodes = ProgramLimits.Nodes)
    {
        StringBuilder text = new();
        new ExpressionPrinter(text, nodes).Append(expression);
        return text.ToString();
    }

    /// <summary>An expression.</summary>
    internal void Append(Expression expression) => Append(expression, 1);

    /// <summary>Several, with commas between them.</summary>
    internal void AppendList(IReadOnlyList<Expression> expressions) => AppendList(expressions, 1);

    /// <summary>A map's cell.</summary>
    internal void AppendCell(int map, IReadOnlyList<Expression> key) => AppendCell(map, key, 1);

    private void Append(Expression expression, int level)
    {
        if (level > _deepest || --_nodes < 0)
        {
            _text.Append("...");
            return;
        }

        switch (expression)
        {
            case Load load:
                _text.Append(CultureInfo.InvariantCulture, $"{load.Type}[");
                Append(load.Address, level + 1);
                _text.Append(']');
                break;
            case LoadText load:
                _text.Append(CultureInfo.InvariantCulture, $"{load.Type}[");
                Append(load.Address, level + 1);
                _text.Append(']');
                break;
            case ThreadName:
                _text.Append("threadName");
                break;
            case StackBytes:
                _text.Append(CultureInfo.InvariantCulture, $"{expression.Type}[stack]");
                break;
            case LoadBytes load:
                _text.Append(CultureInfo.InvariantCulture, $"{load.Type}[");
                Append(load.Address, level + 1);
                _text.Append(", ");
                Append(load.Length, level + 1);
                _text.Append(']');
                break;
            case Unary unary:
                _text.Append(Sign(unary.Operator));
                Append(unary.Operand, level + 1);
                break;
            case Binary binary:
                AppendBinary(binary, level);
                break;
            case Cast cast:
                _text.Append(CultureInfo.InvariantCulture, $"({cast.Type})");
                Append(cast.Operand, level + 1);
                break;
            case Conditional choice:
                AppendConditional(choice, level);
                break;
            case MapValue value:
                AppendCell(value.Map, value.Key, level + 1);
                break;
            case MapCell cell:
                AppendCell(cell.Map, cell.Key, level + 1);
                _text.Append(CultureInfo.InvariantCulture, $".{cell.Word}");
                break;
            case MapContains contains:
                _text.Append("has ");
                AppendCell(contains.Map, contains.Key, level + 1);
                break;
            case TextLength length:
                AppendCall("length", [length.Text], level);
                break;
            case TextFind find:
                AppendCall("find", [find.Text, find.Sought], level);
                break;
            case TextDifference difference:
                AppendCall("difference", [difference.Left, difference.Right], level);
                break;
            case TextMatch match:
                Append(match.Text, level + 1);
                _text.Append(" like ").Append(Quoted(match.Pattern.Span));
                break;
            case TextCut cut:
                AppendCall($"{cut.Type}", [cut.Text, cut.Length], level);
                break;
            default:
                _text.Append(Leaf(expression));
                break;
        }
    }

    private void AppendCall(string name, IReadOnlyList<Expression> operands, int level)
    {
        _text.Append(name).Append('(');
        AppendList(operands, level + 1);
        _text.Append(')');
    }

    private void AppendBinary(Binary binary, int level)
    {
        _text.Append('(');
        Append(binary.Left, level + 1);
        _text.Append(' ').Append(Sign(binary.Operator)).Append(' ');
        Append(binary.Right, level + 1);
        _text.Append(')');
    }

    private void AppendConditional(Conditional choice, int level)
    {
        _text.Append('(');
        Append(choice.Condition, level + 1);
        _text.Append(" ? ");
        Append(choice.WhenTrue, level + 1);
        _text.Append(" : ");
        Append(choice.WhenFalse, level + 1);
        _text.Append(')');
    }

    private void AppendList(IReadOnlyList<Expression> expressions, int level)
    {
        for (int i = 0; i < expressions.Count && _nodes >= 0; i++)
        {
            if (i > 0)
                _text.Append(", ");

            Append(expressions[i], level);
        }
    }

    private void AppendCell(int map, IReadOnlyList<Expression> key, int level)
    {
        _text.Append(CultureInfo.InvariantCulture, $"@{map}[");
        AppendList(key, level);
        _text.Append(']');
    }

    private static string Leaf(Expression expression) => expression switch
    {
        Constant constant => Number(constant),
        TextConstant text => $"{Quoted(text.Bytes.Span)}{text.Type}",
        RegisterValue register => Register(register.Number),
        Argument argument => string.Create(CultureInfo.InvariantCulture, $"arg{argument.Index}"),
        ReturnValue => "retval",
        EntryWord word => string.Create(CultureInfo.InvariantCulture, $"word{word.Index}"),
        Builtin builtin => Name(builtin.Kind),
        LocalValue local => string.Create(CultureInfo.InvariantCulture, $"${local.Index}"),
        _ => expression.GetType().Name,
    };

    private static string Number(Constant constant)
    {
        string digits = constant.Type is { Bits: 64, IsSigned: false }
            ? ((ulong)constant.Value).ToString(CultureInfo.InvariantCulture)
            : constant.Value.ToString(CultureInfo.InvariantCulture);
        return constant.Type == DataType.I64 ? digits : digits + constant.Type;
    }

    private static string Register(int number) => number >= 0 && number < RegisterNames.Length
        ? RegisterNames[number]
        : string.Create(CultureInfo.InvariantCulture, $"register {number}");

    private static string Name(BuiltinKind kind) => kind switch
    {
        BuiltinKind.ProcessId => "pid",
        BuiltinKind.ThreadId => "tid",
        BuiltinKind.Timestamp => "now",
        BuiltinKind.Duration => "duration",
        BuiltinKind.ProbeIndex => "probe",
        BuiltinKind.SiteAddress => "site",
        BuiltinKind.Instruction => "ip",
        BuiltinKind.Processor => "cpu",
        BuiltinKind.UserId => "uid",
        BuiltinKind.GroupId => "gid",
        BuiltinKind.ParentId => "ppid",
        BuiltinKind.Random => "random",
        _ => string.Create(CultureInfo.InvariantCulture, $"builtin {(int)kind}"),
    };

    private static string Sign(UnaryOperator @operator) => @operator switch
    {
        UnaryOperator.Negate => "-",
        UnaryOperator.Complement => "~",
        UnaryOperator.Not => "!",
        UnaryOperator.SwapBytes => "swap ",
        _ => string.Create(CultureInfo.InvariantCulture, $"unary {(int)@operator} "),
    };

    private static string Sign(BinaryOperator @operator) => @operator switch
    {
        BinaryOperator.Add => "+",
        BinaryOperator.Subtract => "-",
        BinaryOperator.Multiply => "*",
        BinaryOperator.Divide => "/",
        BinaryOperator.Remainder => "%",
        BinaryOperator.And => "&",
        BinaryOperator.Or => "|",
        BinaryOperator.Xor => "^",
        BinaryOperator.ShiftLeft => "<<",
        BinaryOperator.ShiftRight => ">>",
        BinaryOperator.Equal => "==",
        BinaryOperator.NotEqual => "!=",
        BinaryOperator.Less => "<",
        BinaryOperator.LessOrEqual => "<=",
        BinaryOperator.Greater => ">",
        BinaryOperator.GreaterOrEqual => ">=",
        BinaryOperator.LogicalAnd => "&&",
        BinaryOperator.LogicalOr => "||",
        _ => string.Create(CultureInfo.InvariantCulture, $"binary {(int)@operator}"),
    };

    private static string Quoted(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new("\"");
        foreach (byte value in bytes)
        {
            if (value is >= 0x20 and < 0x7f && value is not ((byte)'"' or (byte)'\\'))
                text.Append((char)value);
            else
                text.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
        }

        return text.Append('"').ToString();
    }
}
