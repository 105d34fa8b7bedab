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

        // What a deleted cell still counts is no value: the word itself tells, and is found once, since another thread may be deleting it.
        Expression Extreme(ulong mask)
        {
            Expression word = !definition.IsToldByExtreme || (_maybes > 0 && !key.All(IsReadyBeforehand)) ? Word(0) : InLocal(Word(0));
            Expression value = mask == 0 ? word : new Binary(BinaryOperator.Xor, word, new Constant((long)mask, DataType.U64));
            return As(definition.IsToldByExtreme ? new Conditional(word, value, new Constant(0, DataType.U64)) : value, definition.ValueType);
        }
    }
}
