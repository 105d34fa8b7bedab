using System.Buffers.Binary;
using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images;

/// <summary>Finds and reads the symbol tables of a file.</summary>
internal static class SymbolTableReader
{
    /// <summary><c>.symtab</c>, or null where the file was stripped.</summary>
    /// <exception cref="ImageException">Malformed or ReadFailed.</exception>
    public static SymbolTable? ReadStatic(ElfFile file, FunctionOrigin origin)
    {
        ElfSection? section = file.Sections.FirstOrDefault(section => section.Type == SHT_SYMTAB);
        if (section is null)
            return null;
        byte[] entries = file.ReadSection(section, file.Limits.SymbolTableBytes);
        StringTable strings = ReadStrings(file, section);
        return new SymbolTable(entries, strings, origin, file.Sections, null, NameBudget(file, entries, strings));
    }

    /// <summary><c>.dynsym</c>, found by its section or else by the dynamic section, or null.</summary>
    /// <exception cref="ImageException">Malformed or ReadFailed.</exception>
    public static SymbolTable? ReadDynamic(ElfFile file, DynamicSection dynamic)
    {
        byte[] entries;
        StringTable strings;
        if (file.Sections.FirstOrDefault(section => section is { Type: SHT_DYNSYM, HasFileContents: true }) is { } section)
        {
            entries = file.ReadSection(section, file.Limits.SymbolTableBytes);
            strings = ReadStrings(file, section);
        }
        else
        {
            if (!dynamic.TryGetTable(DT_SYMTAB, out ulong table) || !dynamic.TryGetTable(DT_STRTAB, out ulong names) || !dynamic.TryGet(DT_STRSZ, out ulong size))
                return null;
            entries = file.Source.ReadExactly(table, CountDynamic(file, dynamic) * SymbolBytes, file.Limits.SymbolTableBytes, "the dynamic symbol table");
            strings = new StringTable(file.Source.ReadExactly(names, size, file.Limits.StringTableBytes, "the dynamic string table"), file.Limits.SymbolNameBytes);
        }
        SymbolVersions? versions = SymbolVersions.Read(file, dynamic, strings, entries.Length / SymbolBytes);
        return new SymbolTable(entries, strings, FunctionOrigin.DynamicSymbols, file.Sections, versions, NameBudget(file, entries, strings));
    }

    private static StringTable ReadStrings(ElfFile file, ElfSection symbols)
    {
        if (symbols.Link >= (uint)file.Sections.Count || file.Sections[(int)symbols.Link] is not { Type: SHT_STRTAB } strings)
            throw file.Source.Malformed($"section {symbols.Index} {symbols.Name} names section {symbols.Link} as its string table, which is none");
        return new StringTable(file.ReadSection(strings, file.Limits.StringTableBytes), file.Limits.SymbolNameBytes);
    }

    private static ulong NameBudget(ElfFile file, byte[] entries, StringTable strings) =>
        file.Limits.NameExpansion * ((ulong)entries.Length + (ulong)strings.Length);

    // Without sections nothing states the count; the hash tables, which must reach every exported symbol, imply it.
    private static ulong CountDynamic(ElfFile file, DynamicSection dynamic)
    {
        Span<byte> header = stackalloc byte[16];
        if (dynamic.TryGetTable(DT_HASH, out ulong hash))
        {
            file.Source.ReadExactly(hash, header[..8], "the symbol hash table");
            return BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        }
        if (!dynamic.TryGetTable(DT_GNU_HASH, out hash))
            return 0;
        // nbuckets, symoffset, bloom_size (in words of 8 bytes), bloom_shift, then the bloom words, buckets and chains.
        file.Source.ReadExactly(hash, header, "the symbol hash table");
        uint buckets = BinaryPrimitives.ReadUInt32LittleEndian(header), first = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        ulong start = hash + 16 + (8UL * BinaryPrimitives.ReadUInt32LittleEndian(header[8..]));
        byte[] heads = file.Source.ReadExactly(start, 4UL * buckets, file.Limits.SymbolTableBytes, "the symbol hash buckets");
        uint last = 0;
        for (int i = 0; i < heads.Length; i += 4)
            last = Math.Max(last, BinaryPrimitives.ReadUInt32LittleEndian(heads.AsSpan(i)));
        if (last < first)
            return first;
        ulong chains = start + (4UL * buckets);
        for (; ; last++)
        {
            // The last symbol of a chain has an odd hash; reading ends with the file at the latest.
            file.Source.ReadExactly(chains + (4UL * (last - first)), header[..4], "a symbol hash chain");
            if ((header[0] & 1) != 0)
                return (ulong)last + 1;
        }
    }
}
