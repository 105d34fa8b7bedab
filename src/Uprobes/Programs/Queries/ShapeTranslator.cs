using System.Linq.Expressions;
using System.Reflection;
using Uprobes.Channels;
using LinqExpression = System.Linq.Expressions.Expression;

namespace Uprobes.Programs.Queries;

/// <summary>
/// Takes apart what a query selects or groups by: values of a hit become fields that the program stores, and how they are put together
/// becomes a <see cref="ValueShape"/> for the reader.
/// </summary>
/// <param name="values">Translates the single values.</param>
/// <param name="functions">The names of the probed functions, by the probe's index.</param>
/// <param name="use">What the fields are stored in.</param>
internal sealed class ShapeTranslator(ExpressionTranslator values, IReadOnlyList<string> functions, ShapeUse use)
{
    private readonly List<Expression> _fields = [];

    /// <summary>What the program stores, in order.</summary>
    internal IReadOnlyList<Expression> Fields => _fields;

    /// <summary>Translates an expression of which the parts depend on the hit.</summary>
    /// <exception cref="QueryTranslationException">A part of it cannot be translated.</exception>
    internal ValueShape Translate(LinqExpression expression)
    {
        if (ClosedValues.IsClosed(expression))
            return new KnownShape(ClosedValues.Evaluate(expression));
        return expression switch
        {
            NewExpression { Constructor: { } constructor } made => new ConstructedShape(constructor, Parts(made.Arguments), []),
            MemberInitExpression { NewExpression.Constructor: { } constructor } made =>
                new ConstructedShape(constructor, Parts(made.NewExpression.Arguments), [.. made.Bindings.Select(Setting)]),
            MethodCallExpression { Object: null, Method.Name: "Create" } call when IsTuple(call.Method.DeclaringType) =>
                new FactoryShape(call.Method, Parts(call.Arguments)),
            MemberExpression { Expression: ParameterExpression, Member.Name: PointMembers.Function } => Function(),
            UnaryExpression { NodeType: ExpressionType.Convert, Method: null } conversion when IsBoxing(conversion) => Translate(conversion.Operand),
            _ => Value(expression),
        };
    }

    private ValueShape[] Parts(IEnumerable<LinqExpression> expressions) => [.. expressions.Select(Translate)];

    private (MemberInfo Member, ValueShape Value) Setting(MemberBinding binding) => binding is MemberAssignment assignment
        ? (assignment.Member, Translate(assignment.Expression))
        : throw new QueryTranslationException(binding.ToString(), "only properties and fields can be set", "Set them one by one, or give the type a constructor.");

    private static bool IsTuple(Type? type) => type == typeof(ValueTuple) || type == typeof(Tuple);

    /// <summary>To object, or to the nullable type of the value: the boxed value is the same.</summary>
    private static bool IsBoxing(UnaryExpression conversion) =>
        !conversion.Type.IsValueType || Nullable.GetUnderlyingType(conversion.Type) == conversion.Operand.Type;

    private FunctionShape Function()
    {
        if (use == ShapeUse.Cells)
            return new FunctionShape(functions, -1);
        return new FunctionShape(functions, Store(new Builtin(BuiltinKind.ProbeIndex)));
    }

    private ValueShape Value(LinqExpression expression)
    {
        Expression value = values.Translate(expression);
        switch (value)
        {
            case Cast { Operand: Builtin { Kind: BuiltinKind.ThreadId } } when use == ShapeUse.Event:
                return new HeaderShape(isTime: false);
            case Builtin { Kind: BuiltinKind.Timestamp } when use == ShapeUse.Event:
                return new HeaderShape(isTime: true);
            case Cast { Operand: Builtin { Kind: BuiltinKind.ProbeIndex } } when use == ShapeUse.Cells:
                return new ProbeIndexShape();
            default:
                int part = Store(value);
                return value.Type.IsText ? new TextShape(part) : new IntegerShape(expression.Type, part);
        }
    }

    private int Store(Expression value)
    {
        _fields.Add(value);
        return _fields.Count - 1;
    }
}

/// <summary>What the fields of a shape are stored in.</summary>
internal enum ShapeUse
{
    /// <summary>An event, whose header has the thread and the time already.</summary>
    Event,

    /// <summary>A key of a map.</summary>
    Key,

    /// <summary>Nothing: cells that each probe has of its own, found by the probe's index.</summary>
    Cells,
}
