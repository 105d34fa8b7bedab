using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <summary>The statements and expressions directly inside of another.</summary>
internal static class TypedParts
{
    internal static IEnumerable<object> Of(TypedStatement statement) => Present(statement switch
    {
        BlockStatement block => block.Statements,
        ExpressionStatement expression => [expression.Expression],
        AssignVariable assignment => [assignment.Value],
        AssignMap assignment => [assignment.Key, assignment.Value],
        AggregateStatement aggregate => [aggregate.Key, aggregate.Value],
        WriteRegister write => [write.Value],
        IfStatement choice => [choice.Condition, choice.Then, choice.Else],
        WhileStatement loop => [loop.Condition, loop.Body],
        UnrollStatement loop => [loop.Body],
        ForRangeStatement loop => [loop.Start, loop.End, loop.Body],
        ForMapStatement loop => [loop.Body],
        ReturnStatement end => [end.Value],
        _ => [],
    });

    internal static IEnumerable<object> Of(TypedExpression expression) => Present(expression switch
    {
        MapExpression map => [map.Key],
        MemoryExpression memory => [memory.Address],
        CharacterArrayExpression characters => [characters.Address],
        UnaryExpression unary => [unary.Operand],
        BinaryExpression binary => [binary.Left, binary.Right],
        ConditionalExpression choice => [choice.Condition, choice.WhenTrue, choice.WhenFalse],
        CastExpression cast => [cast.Operand],
        IncrementExpression increment => [increment.Target],
        TupleExpression tuple => tuple.Elements,
        ElementExpression element => [element.Tuple],
        CallExpression call => call.Arguments,
        BlockExpression block => [block.Statements, block.Result],
        _ => [],
    });

    private static IEnumerable<object> Present(IEnumerable<object?> parts) => parts.OfType<object>();
}
