using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>What an expression is made of.</summary>
internal static class ExpressionParts
{
    /// <summary>The expressions directly within one; those of statements within it are not among them.</summary>
    internal static IEnumerable<TypedExpression> Of(TypedExpression expression) => expression switch
    {
        MapExpression { Key: { } key } => [key],
        MemoryExpression memory => [memory.Address],
        CharacterArrayExpression array => [array.Address],
        UnaryExpression unary => [unary.Operand],
        BinaryExpression binary => [binary.Left, binary.Right],
        ConditionalExpression choice => [choice.Condition, choice.WhenTrue, choice.WhenFalse],
        CastExpression cast => [cast.Operand],
        IncrementExpression increment => [increment.Target],
        TupleExpression tuple => tuple.Elements,
        ElementExpression element => [element.Tuple],
        CallExpression call => call.Arguments,
        BlockExpression { Result: { } result } => [result],
        _ => [],
    };

    /// <summary>The same expression of other parts, in the order of <see cref="Of"/>.</summary>
    internal static TypedExpression With(TypedExpression expression, IReadOnlyList<TypedExpression> parts) => expression switch
    {
        MapExpression map => map with { Key = parts.Count > 0 ? parts[0] : null },
        UnaryExpression unary => unary with { Operand = parts[0] },
        BinaryExpression binary => binary with { Left = parts[0], Right = parts[1] },
        ConditionalExpression choice => choice with { Condition = parts[0], WhenTrue = parts[1], WhenFalse = parts[2] },
        CastExpression cast => cast with { Operand = parts[0] },
        TupleExpression tuple => tuple with { Elements = parts },
        ElementExpression element => element with { Tuple = parts[0] },
        CallExpression call => call with { Arguments = parts },
        _ => throw new ArgumentException($"{expression.GetType().Name} has no parts that can be replaced", nameof(expression)),
    };
}
