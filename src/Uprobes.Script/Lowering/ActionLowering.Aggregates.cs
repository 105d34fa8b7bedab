using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>What maps have aggregated, as numbers.</summary>
internal sealed partial class ActionLowering
{
    /// <summary>The number of an aggregate: 0 where there is none. That of an average is its sum by its count.</summary>
    private Expression Aggregated(MapExpression map, AggregateType aggregate)
    {
        MapDefinition definition = maps.Of(map.Map).Definition;
        if (!definition.IsRead || !aggregate.IsReadable)
            throw Refuse(map, "what a map has aggregated is read");
        int index = maps.IndexOf(map.Map);
        List<Expression> key = KeyOf(map, isReadTwice: aggregate.Function is AggregateFunction.Min or AggregateFunction.Max or AggregateFunction.Avg);
        return aggregate.Function switch
        {
            AggregateFunction.Min => Extreme(definition.LeastMask),
            AggregateFunction.Max => Extreme(definition.GreatestMask),
            AggregateFunction.Avg => new Binary(BinaryOperator.Divide, As(Word(0), definition.ValueType), As(Word(1), definition.ValueType)),
            _ => As(Word(0), definition.ValueType),
        };

        MapCell Word(int word) => new(index, key, word);

        Expression Extreme(ulong mask) => As(
            new Conditional(Word(1), new Binary(BinaryOperator.Xor, Word(0), new Constant((long)mask, DataType.U64)), new Constant(0, DataType.U64)),
            definition.ValueType);
    }
}
