using System.Buffers.Binary;
using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images;

/// <summary>
/// An ELF file's headers and sections, whatever it is used for: an image, a separate debug file, or unpacked
/// mini debug info. Immutable and thread-safe.
/// </summary>
internal sealed class ElfFile
{
    private ElfFile(ByteSource source, ReadLimits limits, ElfHeader header)
    {
        Source = source;
        Limits = limits;
        Header = header;
        try
        {
            Sections = ReadSections();
        }
        catch (ImageException error) when (error.Reason == ImageFailureReason.Malformed)
        {
            // The kernel and the dynamic linker never look at sections, so a file with a broken table still runs
            // and can still be probed; what is lost is said wherever functions are listed.
            SectionTableProblem = error.Problem;
        }
    }

    /// <summary>The file's bytes.</summary>
    public ByteSource Source { get; }

    /// <summary>The limits that it is read with.</summary>
    public ReadLimits Limits { get; }

    /// <summary>The ELF header.</summary>
    public ElfHeader Header { get; }

    /// <summary>The sections, or none.</summary>
    public IReadOnlyList<ElfSection> Sections { get; } = [];

    /// <summary>Why the section table could not be read, or null.</summary>
    public string? SectionTableProblem { get; }

    /// <summary>Reads the headers.</summary>
    /// <exception cref="ImageException">The bytes are not an x86-64 ELF file, or cannot be read.</exception>
    public static ElfFile Read(ByteSource source, ReadLimits limits)
    {
        Span<byte> start = stackalloc byte[HeaderBytes];
        return new ElfFile(source, limits, ElfHeader.Parse(start[..source.ReadAt(0, start)], source.Name));
    }

    /// <summary>The first section of a name that has contents, or null.</summary>
    public ElfSection? FindSection(string name)
    {
        foreach (ElfSection section in Sections)
        {
            if (section.HasFileContents && section.Name == name)
                return section;
        }
        return null;
    }

    /// <summary>A section's bytes.</summary>
    /// <exception cref="ImageException">Malformed: outside the file, too large, or compressed. ReadFailed.</exception>
    public byte[] ReadSection(ElfSection section, ulong limit)
    {
        string what = $"section {section.Index} {section.Name}";
        if (section.IsCompressed || !section.HasFileContents)
            throw Source.Malformed($"{what} at offset {section.FileOffset} has no plain contents in the file");
        return Source.ReadExactly(section.FileOffset.Value, section.Size, limit, what);
    }

    /// <summary>Reads all program headers.</summary>
    public ElfProgramHeader[] ReadProgramHeaders()
    {
        uint count = Header.ProgramHeaderCount;
        if (count == 0)
            return [];
        if (Header.ProgramHeaderSize != ProgramHeaderBytes)
            throw Source.Malformed($"e_phentsize at offset 0x36 is {Header.ProgramHeaderSize}, not {ProgramHeaderBytes}");
        if (count == PN_XNUM && Header.SectionHeaders != 0)
            count = BinaryPrimitives.ReadUInt32LittleEndian(ReadFirstSectionHeader().AsSpan(44));
        if (count > Limits.ProgramHeaders)
            throw Source.Malformed($"the file has {count} program headers, the limit is {Limits.ProgramHeaders}");
        byte[] bytes = Source.ReadExactly(Header.ProgramHeaders, (ulong)count * ProgramHeaderBytes, ulong.MaxValue, "the program header table");
        var headers = new ElfProgramHeader[count];
        for (int i = 0; i < headers.Length; i++)
            headers[i] = ElfProgramHeader.Parse(bytes.AsSpan(i * ProgramHeaderBytes));
        return headers;
    }

    private byte[] ReadFirstSectionHeader() =>
        Source.ReadExactly(Header.SectionHeaders, SectionHeaderBytes, SectionHeaderBytes, "section header 0");

    private ElfSection[] ReadSections()
    {
        if (Header.SectionHeaders == 0)
            return [];
        if (Header.SectionHeaderSize != SectionHeaderBytes)
            throw Source.Malformed($"e_shentsize at offset 0x3a is {Header.SectionHeaderSize}, not {SectionHeaderBytes}");
        ulong count = Header.SectionHeaderCount;
        uint names = Header.SectionNames;
        // More than 65279 sections: the real numbers are in the first header (gABI, "Extended section header numbering").
        if (count == 0 || names == SHN_XINDEX)
        {
            byte[] first = ReadFirstSectionHeader();
            count = count == 0 ? BinaryPrimitives.ReadUInt64LittleEndian(first.AsSpan(32)) : count;
            names = names == SHN_XINDEX ? BinaryPrimitives.ReadUInt32LittleEndian(first.AsSpan(40)) : names;
        }
        if (count > Limits.Sections)
            throw Source.Malformed($"the file has {count} sections, the limit is {Limits.Sections}");
        byte[] bytes = Source.ReadExactly(Header.SectionHeaders, count * SectionHeaderBytes, ulong.MaxValue, "the section header table");
        StringTable? strings = ReadSectionNames(bytes, names);
        ulong budget = strings is null ? 0 : Limits.NameExpansion * ((ulong)strings.Length + (ulong)bytes.Length);
        var sections = new ElfSection[count];
        for (int i = 0; i < sections.Length; i++)
        {
            string name = "";
            strings?.TryGet(BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(i * SectionHeaderBytes)), ref budget, out name);
            sections[i] = ParseSection(i, name, bytes.AsSpan(i * SectionHeaderBytes));
        }
        return sections;
    }

    private StringTable? ReadSectionNames(byte[] table, uint index)
    {
        if (index == 0 || index >= (uint)(table.Length / SectionHeaderBytes))
            return null;
        ElfSection section = ParseSection((int)index, "(section names)", table.AsSpan((int)index * SectionHeaderBytes));
        byte[] bytes = ReadSection(section, Limits.StringTableBytes);
        return new StringTable(bytes, Limits.SymbolNameBytes);
    }

    private static ElfSection ParseSection(int index, string name, ReadOnlySpan<byte> bytes) => new(
        index,
        name,
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
        new LinkAddress(BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..])),
        new FileOffset(BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..])),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[40..]));
}
