using System.Numerics;
using Uprobes.Channels;

namespace Uprobes.Programs;

/// <summary>Looks whether a group's maps, events and sizes are ones that a channel can be laid out for.</summary>
internal static class DefinitionChecker
{
    /// <summary>Adds what is wrong with the definitions.</summary>
    internal static void Check(ProgramGroup group, List<ProgramProblem> problems)
    {
        Require(group.Maps.Count <= ProgramLimits.Definitions, "maps", $"more than {ProgramLimits.Definitions}", problems);
        Require(group.Events.Count <= ProgramLimits.Definitions, "events", $"more than {ProgramLimits.Definitions}", problems);
        Require(IsPowerOfTwo(group.ThreadSlots, 1, ProgramLimits.ThreadSlots), "threadSlots",
            $"{group.ThreadSlots} is not a power of two up to {ProgramLimits.ThreadSlots}", problems);
        Require(IsPowerOfTwo(group.RingBytes, ChannelLayout.PageSize, ProgramLimits.RingBytes), "ringBytes",
            $"{group.RingBytes} is not a power of two from {ChannelLayout.PageSize} to {ProgramLimits.RingBytes}", problems);
        foreach (MapDefinition map in group.Maps)
            CheckMap(map, $"map {map.Name}", problems);

        foreach (EventDefinition definition in group.Events)
        {
            CheckEvent(definition, $"event {definition.Name}", problems);
            Require(definition.RecordSize <= group.RingBytes, $"event {definition.Name}", "its records are larger than the ring", problems);
        }
    }

    /// <summary>Adds what is wrong with the values that maps are to hold from the start; the definitions are good.</summary>
    internal static void CheckPresets(ProgramGroup group, List<ProgramProblem> problems)
    {
        HashSet<(int Map, MapKey Key)> seen = [];
        Dictionary<int, int> counts = [];
        for (int i = 0; i < group.Presets.Count && problems.Count < ProgramChecker.MostProblems; i++)
        {
            (int map, MapKey key, long value) = group.Presets[i];
            string? problem = (uint)map >= (uint)group.Maps.Count ? $"there is no map @{map}"
                : group.Maps[map] is not { Kind: AggregateKind.Value, IsKeyed: true } ? $"map {group.Maps[map].Name} has no keys that hold values"
                : !key.IsOf(group.Maps[map]) ? $"the key is not one of map {group.Maps[map].Name}"
                : group.Maps[map].ValueType.Wrap(value) != value ? $"{value} is no {group.Maps[map].ValueType}"
                : !seen.Add((map, key)) ? "the key has a value already"
                : null;
            if (problem is null && (counts[map] = counts.GetValueOrDefault(map) + 1) == group.Maps[map].Capacity + 1)
                problem = $"map {group.Maps[map].Name} has no room for more than {group.Maps[map].Capacity} keys";
            if (problem is not null)
                problems.Add(new($"preset {i}", problem));
        }
    }

    /// <summary>Whether integers of a type exist, or texts.</summary>
    internal static bool IsType(DataType type) => IsInteger(type) || IsText(type);

    internal static bool IsInteger(DataType type) => type.Capacity == 0 && type.Bits is 8 or 16 or 32 or 64;

    private static bool IsText(DataType type) =>
        type is { Bits: 0, IsSigned: false, Capacity: > 0 and <= ProgramLimits.FieldCapacity } && type.Capacity % 8 == 0;

    private static void CheckMap(MapDefinition map, string where, List<ProgramProblem> problems)
    {
        Require(Enum.IsDefined(map.Kind), where, $"{(int)map.Kind} is not a kind of map", problems);
        Require(IsInteger(map.ValueType), where, $"its values are {map.ValueType}, not integers", problems);
        bool areTypes = map.Keys.All(IsType);
        Require(areTypes, where, "a part of its key has no such type", problems);
        Require(!areTypes || map.KeySize <= ProgramLimits.KeySize, where, $"its key is larger than {ProgramLimits.KeySize} bytes", problems);
        Require(IsPowerOfTwo(map.Capacity, 1, ProgramLimits.Keys), where,
            $"its capacity of {map.Capacity} is not a power of two up to {ProgramLimits.Keys}", problems);
        Require(map.IsKeyed || map.Capacity == 1, where, "it has no key, but a capacity other than 1", problems);
        Require(!map.IsRead || (map.IsKeyed && map.Kind is not (AggregateKind.Sum or AggregateKind.LogHistogram or AggregateKind.LinearHistogram)),
            where, "what it holds cannot be read by programs", problems);
        Require(map.Bits >= 0 && map.Bits <= (map.Kind == AggregateKind.LogHistogram ? MapDefinition.MostBits : 0), where, $"its powers of two cannot be divided {map.Bits} times", problems);
        if (map.Kind == AggregateKind.LinearHistogram)
            CheckSteps(map.Steps, map.ValueType, where, problems);
    }

    private static void CheckSteps(LinearSteps steps, DataType type, string where, List<ProgramProblem> problems)
    {
        Int128 range = (Int128)steps.Limit - steps.Least;
        if (steps.Width < 1 || range < 1 || range % steps.Width != 0 || range / steps.Width > ProgramLimits.Steps)
            problems.Add(new(where, $"its steps are not 1 to {ProgramLimits.Steps} of one width"));

        Require(type.IsSigned || steps.Least >= 0, where, "its steps begin below 0, its values do not", problems);
    }

    private static void CheckEvent(EventDefinition definition, string where, List<ProgramProblem> problems)
    {
        bool areTypes = definition.Fields.Count <= ChannelLayout.LargestRecord && definition.Fields.All(IsType);
        Require(areTypes, where, "a field has no such type", problems);
        Require(!areTypes || definition.RecordSize <= ChannelLayout.LargestRecord, where,
            $"its records are larger than {ChannelLayout.LargestRecord} bytes", problems);
    }

    private static bool IsPowerOfTwo(int value, int least, int most) => value >= least && value <= most && BitOperations.IsPow2(value);

    private static void Require(bool condition, string where, string what, List<ProgramProblem> problems)
    {
        if (!condition)
            problems.Add(new(where, what));
    }
}
