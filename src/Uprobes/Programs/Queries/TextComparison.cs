using System.Linq.Expressions;
using LinqExpression = System.Linq.Expressions.Expression;

namespace Uprobes.Programs.Queries;

/// <summary>A method call that is a comparison of two strings by their characters: what <c>==</c> of strings is.</summary>
/// <param name="Left">One string.</param>
/// <param name="Right">The other.</param>
internal sealed record TextComparison(LinqExpression Left, LinqExpression Right)
{
    /// <summary>The comparison that a call is, or null: <c>a.Equals(b)</c> and <c>string.Equals(a, b)</c>.</summary>
    internal static TextComparison? Match(MethodCallExpression call)
    {
        if (call.Method.DeclaringType != typeof(string) || call.Method.Name != nameof(string.Equals))
            return null;
        return (call.Object, call.Arguments.Count) switch
        {
            ({ } left, 1) when call.Arguments[0].Type == typeof(string) => new TextComparison(left, call.Arguments[0]),
            (null, 2) when call.Arguments[0].Type == typeof(string) => new TextComparison(call.Arguments[0], call.Arguments[1]),
            _ => null,
        };
    }
}
