using Uprobes.Script.Probes;

namespace Uprobes.Script.Semantics;

/// <summary>All named types of a script: its own definitions, then those of the probed files.</summary>
internal sealed class TypeCatalog(ITypeSource source)
{
    private readonly Dictionary<string, StructLayout> _structs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ScriptType> _typedefs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (ScriptType Type, long Value)> _constants = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Enum, long Value), string> _names = [];
    private readonly Dictionary<string, EnumType> _enums = new(StringComparer.Ordinal);
    private readonly HashSet<string> _declared = new(StringComparer.Ordinal);

    /// <summary>The file that is asked for what the script does not define; null for any.</summary>
    internal AttachPoint? Probe { get; set; }

    internal ITypeSource Source { get; } = source;

    /// <summary>Names of the script's structs, for suggestions.</summary>
    internal IEnumerable<string> StructNames => _structs.Keys.Where(name => !name.Contains('(', StringComparison.Ordinal));

    internal IEnumerable<string> ConstantNames => _constants.Keys;

    /// <summary>Tells which structs the script defines: whatever the probed files have of these names is another one.</summary>
    internal void Declare(IEnumerable<string> structs) => _declared.UnionWith(structs);

    internal bool TryAdd(StructLayout layout) => _structs.TryAdd(layout.Type.Name, layout);

    internal bool TryAddTypedef(string name, ScriptType type) => _typedefs.TryAdd(name, type);

    /// <summary>Notes an enum of the script; its values are not known yet.</summary>
    internal bool TryAddEnum(string name) => _enums.TryAdd(name, new EnumType(name, 32, false));

    /// <summary>Says how an enum is held, now that its values are known; its constants get that type.</summary>
    internal void Complete(EnumType type)
    {
        _enums[type.Name] = type;
        foreach ((string constant, (ScriptType, long Value) known) in _constants.Where(one => one.Value.Type is EnumType named && named.Name == type.Name).ToList())
            _constants[constant] = (type, known.Value);
    }

    internal bool TryAddConstant(string name, ScriptType type, long value)
    {
        if (!_constants.TryAdd(name, (type, value)))
            return false;
        if (type is EnumType named)
            _names.TryAdd((named.Name, value), name);
        return true;
    }

    internal StructLayout? FindStruct(string name) =>
        _structs.TryGetValue(name, out StructLayout? layout) ? layout : _declared.Contains(name) ? null : Source.FindStruct(name, Probe);

    /// <summary>How a struct lies in memory; null where that is not known.</summary>
    internal StructLayout? LayoutOf(StructType type) =>
        _structs.TryGetValue(type.Name, out StructLayout? layout) ? layout : _declared.Contains(type.Name) ? null : Source.LayoutOf(type);

    internal ScriptType? FindTypedef(string name) => _typedefs.TryGetValue(name, out ScriptType? type) ? type : Source.FindType(name, Probe);

    internal EnumType? FindEnum(string name) => _enums.GetValueOrDefault(name);

    internal (ScriptType Type, long Value)? FindConstant(string name) =>
        _constants.TryGetValue(name, out (ScriptType, long) constant) ? constant : Source.FindConstant(name, Probe);

    /// <summary>The name of an enum's value; null where it has none.</summary>
    internal string? NameOf(EnumType type, long value) => _names.TryGetValue((type.Name, value), out string? name) ? name : Source.NameOf(type, value);

    /// <summary>Bytes of a value; 0 where that is not known.</summary>
    internal int SizeOf(ScriptType type) => type switch
    {
        IntegerType integer => integer.Bits / 8,
        EnumType named => named.Bits / 8,
        BooleanType => 1,
        OpaqueType opaque => opaque.Size,
        PointerType or SymbolType or TimestampType => 8,
        TextType text => text.Capacity,
        BufferType buffer => buffer.Capacity,
        ArrayType array => (int)Math.Min((long)SizeOf(array.Element) * array.Count, int.MaxValue),
        StructType named => LayoutOf(named)?.Size ?? 0,
        TupleType tuple => PaddedSize(tuple.Elements),
        RecordType record => PaddedSize(record.Elements),
        InternetAddressType => 24,
        MacAddressType => 6,
        StackType or AggregateType => 8,
        _ => 0,
    };

    /// <summary>What an address of it is a multiple of, by the System V ABI.</summary>
    internal int AlignmentOf(ScriptType type) => type switch
    {
        ArrayType array => AlignmentOf(array.Element),
        StructType named => LayoutOf(named)?.Alignment ?? 1,
        TextType or BufferType or MacAddressType => 1,
        OpaqueType opaque => opaque.Size,
        TupleType tuple => tuple.Elements.Select(AlignmentOf).DefaultIfEmpty(1).Max(),
        RecordType record => record.Elements.Select(AlignmentOf).DefaultIfEmpty(1).Max(),
        _ => Math.Max(1, Math.Min(8, SizeOf(type))),
    };

    private int PaddedSize(TypeList elements)
    {
        long size = 0;
        int alignment = 1;
        foreach (ScriptType element in elements)
        {
            int own = AlignmentOf(element);
            alignment = Math.Max(alignment, own);
            size = Align(size, own) + SizeOf(element);
        }

        return (int)Math.Min(Align(size, alignment), int.MaxValue);
    }

    internal static long Align(long offset, int alignment) => (offset + alignment - 1) / alignment * alignment;
}
