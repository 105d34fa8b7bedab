using System.Linq.Expressions;
using System.Reflection;
using LinqExpression = System.Linq.Expressions.Expression;

namespace Uprobes.Programs.Queries;

/// <summary>
/// Values of the sub-expressions that do not depend on the hit: constants, captured variables, what is calculated from them. They are
/// taken once, when the query is made.
/// </summary>
internal static class ClosedValues
{
    /// <summary>Whether an expression mentions no parameter, not even that of a lambda of its own.</summary>
    internal static bool IsClosed(LinqExpression expression)
    {
        ParameterFinder finder = new();
        finder.Visit(expression);
        return !finder.Found;
    }

    /// <summary>The value of a closed expression.</summary>
    /// <exception cref="QueryTranslationException">It throws when it is evaluated.</exception>
    internal static object? Evaluate(LinqExpression expression)
    {
        try
        {
            return Read(expression);
        }
        catch (Exception e) when (e is not QueryTranslationException)
        {
            Exception cause = e is TargetInvocationException { InnerException: { } inner } ? inner : e;
            throw new QueryTranslationException(ExpressionText.Of(expression),
                $"its value is needed when the query is made, and evaluating it throws {cause.GetType().Name} ({cause.Message.TrimEnd('.')})",
                "Calculate the value before and use a variable that has it.", cause);
        }
    }

    /// <summary>What a captured variable usually is, a chain of fields and properties, is read by reflection; the rest is interpreted, which needs no code to be made at run time.</summary>
    private static object? Read(LinqExpression expression) => expression switch
    {
        ConstantExpression constant => constant.Value,
        MemberExpression { Member: FieldInfo field } member => field.GetValue(Owner(member)),
        MemberExpression { Member: PropertyInfo property } member => property.GetValue(Owner(member)),
        _ => LinqExpression
            .Lambda<Func<object?>>(LinqExpression.Convert(expression, typeof(object)))
            .Compile(preferInterpretation: true)(),
    };

    private static object? Owner(MemberExpression member) => member.Expression is null
        ? null
        : Read(member.Expression) ?? throw new QueryTranslationException(
            ExpressionText.Of(member), $"its value is needed when the query is made, and {ExpressionText.Of(member.Expression)} is null", "Use a variable that has a value.");

    private sealed class ParameterFinder : ExpressionVisitor
    {
        internal bool Found { get; private set; }

        protected override LinqExpression VisitParameter(ParameterExpression node)
        {
            Found = true;
            return node;
        }
    }
}
