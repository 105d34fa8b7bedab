using Uprobes.Channels;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>What a part of a map's key is.</summary>
internal enum KeyPartKind
{
    /// <summary>The value itself.</summary>
    Value,

    /// <summary>Which place was hit: for the name of its function.</summary>
    FunctionOfPlace,

    /// <summary>The same, for the name of the probe.</summary>
    NameOfPlace,
}

/// <summary>A part of a map's key.</summary>
/// <param name="Type">What it is for the script.</param>
/// <param name="Kind">How it is stored.</param>
/// <param name="Stored">What it is in the key.</param>
internal readonly record struct KeyPart(ScriptType Type, KeyPartKind Kind, DataType Stored);

/// <summary>Where a map of the script is.</summary>
/// <param name="Symbol">Which map.</param>
/// <param name="Definition">Its table. A map without keys that is read in the target has a key of one byte that is always 0.</param>
/// <param name="Key">The parts of its key, those of tuples one behind the other; none for a map without keys.</param>
internal sealed record LoweredMap(MapSymbol Symbol, MapDefinition Definition, IReadOnlyList<KeyPart> Key)
{
    /// <summary>Whether the table holds what programs put in, and read back.</summary>
    internal bool HoldsValues => Definition.Kind == AggregateKind.Value;

    /// <summary>Whether the table adds up what the script writes as <c>@x++</c> or <c>@x += n</c>, and never reads.</summary>
    internal bool IsCounter => Symbol.ValueType is not AggregateType && Definition.Kind is AggregateKind.Sum or AggregateKind.Average;
}
