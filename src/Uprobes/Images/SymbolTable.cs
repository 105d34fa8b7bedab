using System.Buffers.Binary;
using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images;

/// <summary>One entry of a symbol table (<c>Elf64_Sym</c>).</summary>
internal readonly record struct SymbolEntry(uint Name, byte Info, ushort Section, ulong Value, ulong Size)
{
    public byte Type => (byte)(Info & 0xf);

    public byte Binding => (byte)(Info >> 4);
}

/// <summary>The raw entries of one symbol table with their strings. Decodes an entry when it is asked for.</summary>
internal sealed class SymbolTable(byte[] entries, StringTable strings, FunctionOrigin origin, IReadOnlyList<ElfSection> sections, SymbolVersions? versions, ulong nameBudget)
{
    /// <summary>Where functions of this table come from.</summary>
    public FunctionOrigin Origin { get; } = origin;

    /// <summary>How many entries it has; entry 0 means nothing.</summary>
    public int Count { get; } = entries.Length / SymbolBytes;

    /// <summary>The names.</summary>
    public StringTable Strings { get; } = strings;

    /// <summary>The versions of the names, or null where the table has none.</summary>
    public SymbolVersions? Versions { get; } = versions;

    /// <summary>How many bytes the names taken from the table may have together (<see cref="ReadLimits.NameExpansion"/>).</summary>
    public ulong NameBudget { get; } = nameBudget;

    /// <summary>Decodes an entry.</summary>
    public SymbolEntry this[int index]
    {
        get
        {
            ReadOnlySpan<byte> bytes = entries.AsSpan(index * SymbolBytes, SymbolBytes);
            return new SymbolEntry(
                BinaryPrimitives.ReadUInt32LittleEndian(bytes),
                bytes[4],
                BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]),
                BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
                BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]));
        }
    }

    /// <summary>
    /// Whether an entry can be a function: a defined function, or an untyped global label in a code section, which is
    /// how assembly code without <c>.type</c> looks.
    /// </summary>
    public bool IsFunction(in SymbolEntry entry) => entry.Section != SHN_UNDEF && entry.Type switch
    {
        STT_FUNC or STT_GNU_IFUNC => true,
        STT_NOTYPE => entry.Binding != STB_LOCAL && entry.Section < SHN_LORESERVE && entry.Section < sections.Count
            && sections[entry.Section] is { IsExecutable: true } section && section.Contains(new LinkAddress(entry.Value)),
        _ => false,
    };

    /// <summary>Whether an entry has this name, alone or followed by <c>@</c> and a version.</summary>
    public bool HasName(in SymbolEntry entry, ReadOnlySpan<byte> name) => Strings.IsNamed(entry.Name, name);
}
