using System.Globalization;
using System.Linq.Expressions;
using System.Runtime.CompilerServices;
using LinqExpression = System.Linq.Expressions.Expression;

namespace Uprobes.Programs.Queries;

/// <summary>Writes a part of a C# expression tree about as it stood in the source, for messages.</summary>
internal static class ExpressionText
{
    private static readonly Dictionary<ExpressionType, string> Operators = new()
    {
        [ExpressionType.Add] = "+", [ExpressionType.AddChecked] = "+", [ExpressionType.Subtract] = "-",
        [ExpressionType.SubtractChecked] = "-", [ExpressionType.Multiply] = "*", [ExpressionType.MultiplyChecked] = "*",
        [ExpressionType.Divide] = "/", [ExpressionType.Modulo] = "%", [ExpressionType.And] = "&", [ExpressionType.Or] = "|",
        [ExpressionType.ExclusiveOr] = "^", [ExpressionType.LeftShift] = "<<", [ExpressionType.RightShift] = ">>",
        [ExpressionType.Equal] = "==", [ExpressionType.NotEqual] = "!=", [ExpressionType.LessThan] = "<",
        [ExpressionType.LessThanOrEqual] = "<=", [ExpressionType.GreaterThan] = ">", [ExpressionType.GreaterThanOrEqual] = ">=",
        [ExpressionType.AndAlso] = "&&", [ExpressionType.OrElse] = "||", [ExpressionType.Coalesce] = "??",
    };

    /// <summary>The text of an expression.</summary>
    internal static string Of(LinqExpression expression) => expression switch
    {
        LambdaExpression lambda => $"{string.Join(", ", lambda.Parameters.Select(p => p.Name))} => {Of(lambda.Body)}",
        BinaryExpression { NodeType: ExpressionType.ArrayIndex } index => $"{Of(index.Left)}[{Of(index.Right)}]",
        BinaryExpression binary when Operators.TryGetValue(binary.NodeType, out string? sign) =>
            $"{Operand(binary.Left)} {sign} {Operand(binary.Right)}",
        ConditionalExpression choice => $"{Operand(choice.Test)} ? {Operand(choice.IfTrue)} : {Operand(choice.IfFalse)}",
        UnaryExpression unary => OfUnary(unary),
        MemberExpression member => OfMember(member),
        MethodCallExpression call => OfCall(call),
        NewExpression made => OfNew(made),
        MemberInitExpression made => $"{OfNew(made.NewExpression)} {{ {string.Join(", ", made.Bindings.Select(b => b.Member.Name + " = ..."))} }}",
        NewArrayExpression array => $"new[] {{ {List(array.Expressions)} }}",
        ConstantExpression constant => OfConstant(constant),
        _ => expression.ToString(),
    };

    private static string OfUnary(UnaryExpression unary) => unary.NodeType switch
    {
        ExpressionType.Convert or ExpressionType.ConvertChecked => $"({Name(unary.Type)}){Operand(unary.Operand)}",
        ExpressionType.Not => (unary.Type == typeof(bool) ? "!" : "~") + Operand(unary.Operand),
        ExpressionType.Negate or ExpressionType.NegateChecked => "-" + Operand(unary.Operand),
        ExpressionType.ArrayLength => Operand(unary.Operand) + ".Length",
        ExpressionType.Quote => Of(unary.Operand),
        _ => unary.ToString(),
    };

    /// <summary>A captured variable is a field of an object that the compiler made, which the source does not show.</summary>
    private static string OfMember(MemberExpression member) => member.Expression switch
    {
        null => $"{Name(member.Member.DeclaringType)}.{member.Member.Name}",
        ConstantExpression => member.Member.Name,
        var owner => $"{Operand(owner)}.{member.Member.Name}",
    };

    private static string OfCall(MethodCallExpression call)
    {
        IEnumerable<LinqExpression> arguments = call.Arguments;
        string owner;
        if (call.Object is { } instance)
        {
            owner = Operand(instance);
        }
        else if (call.Arguments.Count > 0 && call.Method.IsDefined(typeof(ExtensionAttribute), inherit: false))
        {
            (owner, arguments) = (Operand(call.Arguments[0]), call.Arguments.Skip(1));
        }
        else
        {
            owner = Name(call.Method.DeclaringType);
        }

        if (call.Method.Name == "get_Item")
            return $"{owner}[{List(arguments)}]";
        string types = call.Method.IsGenericMethod && call.Object is not null
            ? $"<{string.Join(", ", call.Method.GetGenericArguments().Select(Name))}>"
            : "";
        return $"{owner}.{call.Method.Name}{types}({List(arguments)})";
    }

    private static string OfNew(NewExpression made)
    {
        if (made.Members is { } members && Name(made.Type).StartsWith('<'))
            return $"new {{ {string.Join(", ", members.Select((m, i) => $"{m.Name} = {Of(made.Arguments[i])}"))} }}";
        return $"new {Name(made.Type)}({List(made.Arguments)})";
    }

    private static string OfConstant(ConstantExpression constant) => constant.Value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        char letter => $"'{letter}'",
        bool flag => flag ? "true" : "false",
        Enum value => $"{Name(value.GetType())}.{value}",
        IFormattable number when constant.Type.IsPrimitive || constant.Type == typeof(decimal) => number.ToString(null, CultureInfo.InvariantCulture),
        _ => Name(constant.Type),
    };

    private static string Operand(LinqExpression operand) =>
        operand is BinaryExpression { NodeType: not ExpressionType.ArrayIndex } or ConditionalExpression ? $"({Of(operand)})" : Of(operand);

    private static string List(IEnumerable<LinqExpression> expressions) => string.Join(", ", expressions.Select(Of));

    /// <summary>A type as C# spells it.</summary>
    internal static string Name(Type? type)
    {
        if (type is null)
            return "?";
        if (Nullable.GetUnderlyingType(type) is { } value)
            return Name(value) + "?";
        if (type.IsArray)
            return Name(type.GetElementType()) + "[]";
        if (type.IsEnum)
            return type.Name;
        return Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean => "bool",
            TypeCode.Byte => "byte",
            TypeCode.SByte => "sbyte",
            TypeCode.Int16 => "short",
            TypeCode.UInt16 => "ushort",
            TypeCode.Int32 => "int",
            TypeCode.UInt32 => "uint",
            TypeCode.Int64 => "long",
            TypeCode.UInt64 => "ulong",
            TypeCode.Char => "char",
            TypeCode.Single => "float",
            TypeCode.Double => "double",
            TypeCode.Decimal => "decimal",
            TypeCode.String => "string",
            _ when type == typeof(object) => "object",
            _ when type.IsGenericType && type.Name.IndexOf('`', StringComparison.Ordinal) is > 0 and int end =>
                $"{type.Name[..end]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>",
            _ => type.Name,
        };
    }
}
