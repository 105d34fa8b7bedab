using System.Linq.Expressions;
using System.Text;
using Uprobes.Channels;
using LinqExpression = System.Linq.Expressions.Expression;

namespace Uprobes.Programs.Queries;

/// <summary>
/// Turns a C# expression into that of a program, with the meaning that C# gives it in an unchecked context; but a division by zero
/// is 0 and a remainder of one is the dividend, because a program cannot throw.
/// </summary>
/// <param name="members">What the lambda's parameter offers.</param>
/// <param name="functions">The names of the probed functions, by the probe's index.</param>
internal sealed class ExpressionTranslator(PointMembers members, IReadOnlyList<string> functions)
{
    private const string Available =
        "Programs have integers, bool, char and enums with C#'s operators, strings from ReadString with == and !=, captured variables, and the members of the lambda's parameter.";

    /// <summary>Translates an expression that has a value.</summary>
    /// <exception cref="QueryTranslationException">A part of it cannot be translated.</exception>
    internal Expression Translate(LinqExpression expression)
    {
        if (ClosedValues.IsClosed(expression))
            return FromValue(expression, ClosedValues.Evaluate(expression));
        return expression switch
        {
            UnaryExpression unary => FromUnary(unary),
            BinaryExpression binary => FromBinary(binary),
            ConditionalExpression choice => FromConditional(choice),
            MemberExpression { Expression: ParameterExpression, Member.Name: PointMembers.Function } => throw Refusal(expression,
                "the function's name is known to the reader only", "Compare it with == or !=, select it, or group by it."),
            MemberExpression { Expression: ParameterExpression } member => members.Property(member),
            MethodCallExpression { Object: ParameterExpression } call => members.Method(call, Translate),
            MethodCallExpression call when TextComparison.Match(call) is { } comparison => Equality(comparison.Left, comparison.Right, BinaryOperator.Equal),
            MethodCallExpression => throw Refusal(expression, "methods of C# do not exist there", Available),
            ParameterExpression => throw Refusal(expression, "a hit as a whole is not kept", "Use its members."),
            MemberExpression => throw Refusal(expression, "objects of C# do not exist there", Available),
            _ => throw Refusal(expression, "there is nothing like it in a program", Available),
        };
    }

    private static QueryTranslationException Refusal(LinqExpression expression, string reason, string alternative) =>
        new(ExpressionText.Of(expression), reason, alternative);

    private static Expression FromValue(LinqExpression expression, object? value)
    {
        if (value is string text)
            return TextOf(expression, text);
        if (value is null)
            throw Refusal(expression, "it is null", "Texts in a program are never null: compare with \"\".");
        return ClrTypes.TryGet(value.GetType(), out DataType type)
            ? new Constant(ClrTypes.ToBits(value), type)
            : throw Refusal(expression, $"a program has no {ExpressionText.Name(value.GetType())}", Available);
    }

    private static TextConstant TextOf(LinqExpression expression, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length > ProgramLimits.TextCapacity)
            throw Refusal(expression, $"it has {bytes.Length} bytes in UTF-8", $"Texts have at most {ProgramLimits.TextCapacity} bytes.");
        if (bytes.Contains((byte)0))
            throw Refusal(expression, "it has a zero in it, which ends a text of the target", "Compare with a text without zeros.");
        return new TextConstant(bytes, Math.Max(8, (bytes.Length + 7) / 8 * 8));
    }

    private Expression FromUnary(UnaryExpression unary)
    {
        switch (unary.NodeType)
        {
            case ExpressionType.UnaryPlus when unary.Method is null:
                return Translate(unary.Operand);
            case ExpressionType.Not when unary.Method is null:
            case ExpressionType.OnesComplement when unary.Method is null:
                return new Unary(unary.Type == typeof(bool) ? UnaryOperator.Not : UnaryOperator.Complement, Integer(unary.Operand));
            case ExpressionType.Negate when unary.Method is null:
                return new Unary(UnaryOperator.Negate, Integer(unary.Operand));
            case ExpressionType.Convert or ExpressionType.ConvertChecked:
                return Conversion(unary);
            case ExpressionType.NegateChecked:
                throw Overflow(unary);
            default:
                throw Refusal(unary, "there is no such operator in a program", Available);
        }
    }

    private Cast Conversion(UnaryExpression unary)
    {
        bool isNative = unary.Type == typeof(nint) || unary.Type == typeof(nuint) || unary.Operand.Type == typeof(nint) || unary.Operand.Type == typeof(nuint);
        if ((unary.Method is not null && !isNative) || !ClrTypes.TryGet(unary.Type, out DataType type))
        {
            throw Refusal(unary, $"a program has no {ExpressionText.Name(unary.Type)}",
                "Keep it an integer in the query, and convert where the result is used.");
        }

        Expression operand = Integer(unary.Operand);
        bool fits = type.Bits > operand.Type.Bits ? type.IsSigned || !operand.Type.IsSigned : type == operand.Type;
        if (unary.NodeType == ExpressionType.ConvertChecked && !fits)
            throw Overflow(unary);
        return new Cast(operand, type);
    }

    private static QueryTranslationException Overflow(LinqExpression expression) => Refusal(expression,
        "it is checked, and an overflow cannot be thrown there", "Write unchecked(...) around it: integers then wrap around.");

    private Expression FromBinary(BinaryExpression binary)
    {
        BinaryOperator? found = binary.NodeType switch
        {
            ExpressionType.Add => BinaryOperator.Add,
            ExpressionType.Subtract => BinaryOperator.Subtract,
            ExpressionType.Multiply => BinaryOperator.Multiply,
            ExpressionType.Divide => BinaryOperator.Divide,
            ExpressionType.Modulo => BinaryOperator.Remainder,
            ExpressionType.And => BinaryOperator.And,
            ExpressionType.Or => BinaryOperator.Or,
            ExpressionType.ExclusiveOr => BinaryOperator.Xor,
            ExpressionType.LeftShift => BinaryOperator.ShiftLeft,
            ExpressionType.RightShift => BinaryOperator.ShiftRight,
            ExpressionType.Equal => BinaryOperator.Equal,
            ExpressionType.NotEqual => BinaryOperator.NotEqual,
            ExpressionType.LessThan => BinaryOperator.Less,
            ExpressionType.LessThanOrEqual => BinaryOperator.LessOrEqual,
            ExpressionType.GreaterThan => BinaryOperator.Greater,
            ExpressionType.GreaterThanOrEqual => BinaryOperator.GreaterOrEqual,
            ExpressionType.AndAlso => BinaryOperator.LogicalAnd,
            ExpressionType.OrElse => BinaryOperator.LogicalOr,
            ExpressionType.AddChecked or ExpressionType.SubtractChecked or ExpressionType.MultiplyChecked => throw Overflow(binary),
            _ => null,
        };
        if (found is not { } sign)
            throw Refusal(binary, "there is no such operator in a program", Available);
        if (sign is BinaryOperator.Equal or BinaryOperator.NotEqual && binary.Left.Type == typeof(string))
            return Equality(binary.Left, binary.Right, sign);
        // The operands first: where one of them cannot be translated, it is the smallest part to blame.
        Binary translated = new(sign, Integer(binary.Left), Integer(binary.Right));
        return binary.Method is null && !binary.IsLifted
            ? translated
            : throw Refusal(binary, $"the operator is that of {ExpressionText.Name(binary.Left.Type)}, not of an integer", Available);
    }

    /// <summary>Compares two strings: texts of the target by their bytes; the function's name by the index of the probe.</summary>
    private Expression Equality(LinqExpression left, LinqExpression right, BinaryOperator sign)
    {
        if (IsFunction(right))
            (left, right) = (right, left);
        if (!IsFunction(left))
            return new Binary(sign, Translate(left), Translate(right));
        if (!ClosedValues.IsClosed(right))
            throw Refusal(right, "the function's name is known to the reader only", "Compare it with a text that is known when the query is made.");
        string? name = (string?)ClosedValues.Evaluate(right);
        Expression[] matches = [.. Enumerable.Range(0, functions.Count).Where(i => functions[i] == name)
            .Select(i => new Binary(BinaryOperator.Equal, new Builtin(BuiltinKind.ProbeIndex), new Constant(i, DataType.U32)))];
        Expression any = matches.Length == 0 ? new Constant(0, DataType.Boolean) : Combined(BinaryOperator.LogicalOr, matches);
        return sign == BinaryOperator.Equal ? any : new Unary(UnaryOperator.Not, any);
    }

    /// <summary>Joins at least one expression by a logical operator, in order, as a tree that is as flat as can be.</summary>
    internal static Expression Combined(BinaryOperator sign, ReadOnlySpan<Expression> expressions) => expressions.Length == 1
        ? expressions[0]
        : new Binary(sign, Combined(sign, expressions[..(expressions.Length / 2)]), Combined(sign, expressions[(expressions.Length / 2)..]));

    private static bool IsFunction(LinqExpression expression) =>
        expression is MemberExpression { Expression: ParameterExpression, Member.Name: PointMembers.Function };

    private Conditional FromConditional(ConditionalExpression choice) =>
        new(Integer(choice.Test), Integer(choice.IfTrue), Integer(choice.IfFalse));

    /// <summary>Translates what must be an integer.</summary>
    internal Expression Integer(LinqExpression expression)
    {
        Expression translated = Translate(expression);
        return translated.Type.IsText
            ? throw Refusal(expression, "a text cannot be used there", "Texts can be compared with == and !=, selected, and grouped by.")
            : translated;
    }
}
