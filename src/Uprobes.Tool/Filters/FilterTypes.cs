using Uprobes.Channels;

namespace Uprobes.Tool.Filters;

/// <summary>The types that casts name.</summary>
internal static class FilterTypes
{
    private static readonly Dictionary<string, DataType> ByName = new(StringComparer.Ordinal)
    {
        ["int8"] = DataType.I8, ["int16"] = DataType.I16, ["int32"] = DataType.I32, ["int64"] = DataType.I64,
        ["uint8"] = DataType.U8, ["uint16"] = DataType.U16, ["uint32"] = DataType.U32, ["uint64"] = DataType.U64,
    };

    internal static IEnumerable<string> Names => ByName.Keys;

    internal static bool TryGet(string name, out DataType type) => ByName.TryGetValue(name, out type);
}
