using Uprobes.Channels;

namespace Uprobes.Tests.Programs;

/// <summary>Random types, maps and events.</summary>
internal static class DefinitionGenerator
{
    /// <summary>More keys than the programs of the generator make.</summary>
    private const int Keys = 1024;

    internal static DataType IntegerType(ChoiceSource choices) => choices.Of(
        DataType.U64, DataType.I64, DataType.U32, DataType.I32, DataType.U8, DataType.I8, DataType.U16, DataType.I16);

    internal static MapDefinition[] Maps(ChoiceSource choices)
    {
        MapDefinition[] maps = new MapDefinition[1 + choices.Below(4)];
        for (int i = 0; i < maps.Length; i++)
            maps[i] = Map(choices, i);

        return maps;
    }

    internal static EventDefinition[] Events(ChoiceSource choices)
    {
        EventDefinition[] events = new EventDefinition[1 + choices.Below(2)];
        for (int i = 0; i < events.Length; i++)
        {
            DataType[] fields = new DataType[choices.Below(4)];
            for (int f = 0; f < fields.Length; f++)
                fields[f] = AnyType(choices, 256);

            events[i] = new($"event{i}", fields);
        }

        return events;
    }

    private static MapDefinition Map(ChoiceSource choices, int number)
    {
        AggregateKind kind = choices.Of(Enum.GetValues<AggregateKind>());
        DataType type = IntegerType(choices);
        DataType[] keys = new DataType[choices.Below(3)];
        for (int i = 0; i < keys.Length; i++)
            keys[i] = AnyType(choices, 64);

        return new($"map{number}", kind, type, keys, keys.Length == 0 ? 1 : Keys, Steps(choices, type), kind == AggregateKind.LogHistogram ? choices.Of(0, 0, 0, 1, 2, 3, 4, 5) : 0)
        {
            IsRead = keys.Length > 0 && kind is (AggregateKind.Count or AggregateKind.Average or AggregateKind.Minimum or AggregateKind.Maximum or AggregateKind.Statistics) && choices.Below(2) == 0,
        };
    }

    private static LinearSteps Steps(ChoiceSource choices, DataType type)
    {
        long least = choices.Of(0L, 1, 10, 100, -10, -100, -128, long.MinValue), width = choices.Of(1L, 2, 3, 10, 64, 1000);
        if (!type.IsSigned && least < 0)
            least = 0;

        return new(least, least + (width * (1 + choices.Below(20))), width);
    }

    private static DataType AnyType(ChoiceSource choices, int longestText) =>
        choices.OnceIn(3) ? DataType.Text(Math.Min(longestText, choices.Of(8, 16, 24, 64, 256))) : IntegerType(choices);
}
