using System.Buffers.Binary;
using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images;

/// <summary>The versions of a file's exported symbols (DT_VERSYM, DT_VERDEF; LSB "Symbol Versioning"). Immutable.</summary>
internal sealed class SymbolVersions
{
    private const ushort HiddenBit = 0x8000;
    private const int DefinitionBytes = 20;
    private readonly byte[] _indexes;
    private readonly Dictionary<int, string> _names = [];

    private SymbolVersions(byte[] indexes) => _indexes = indexes;

    /// <summary>Reads the tables, or returns null where the file has none.</summary>
    /// <exception cref="ImageException">Malformed or ReadFailed.</exception>
    public static SymbolVersions? Read(ElfFile file, DynamicSection dynamic, StringTable strings, int symbols)
    {
        if (!dynamic.TryGetTable(DT_VERSYM, out ulong table) || !dynamic.TryGetTable(DT_VERDEF, out ulong definition))
            return null;
        var versions = new SymbolVersions(file.Source.ReadExactly(table, (ulong)symbols * 2, file.Limits.DynamicTableBytes, "the symbol version table"));
        dynamic.TryGet(DT_VERDEFNUM, out ulong count);
        Span<byte> bytes = stackalloc byte[DefinitionBytes];
        // A version index has 15 bits, so a file cannot use more definitions.
        ulong budget = file.Limits.DynamicTableBytes;
        for (ulong i = 0; i < Math.Min(count, HiddenBit); i++)
        {
            file.Source.ReadExactly(definition, bytes, "a version definition");
            ushort index = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
            uint auxiliary = BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]), next = BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]);
            file.Source.ReadExactly(definition + auxiliary, bytes[..4], "a version name");
            if (strings.TryGet(BinaryPrimitives.ReadUInt32LittleEndian(bytes), ref budget, out string name))
                versions._names.TryAdd(index, name);
            if (next == 0)
                break;
            definition += next;
        }
        return versions;
    }

    /// <summary>The version of a symbol, or null, and whether it is the default.</summary>
    public string? Find(int symbol, out bool isDefault)
    {
        isDefault = false;
        // Indexes 0 and 1 mean a local and an unversioned global symbol.
        if ((symbol * 2) + 2 > _indexes.Length
            || BinaryPrimitives.ReadUInt16LittleEndian(_indexes.AsSpan(symbol * 2)) is var value && (value & ~HiddenBit) < 2
            || !_names.TryGetValue(value & ~HiddenBit, out string? name))
            return null;
        isDefault = (value & HiddenBit) == 0;
        return name;
    }
}
