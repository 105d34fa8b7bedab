using System.Buffers.Binary;
using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images;

/// <summary>The ELF header (<c>Elf64_Ehdr</c>): where the two header tables are.</summary>
internal readonly record struct ElfHeader
{
    public ushort Type { get; private init; }
    public ulong EntryPoint { get; private init; }
    public ulong ProgramHeaders { get; private init; }
    public ulong SectionHeaders { get; private init; }
    public ushort ProgramHeaderSize { get; private init; }
    public ushort ProgramHeaderCount { get; private init; }
    public ushort SectionHeaderSize { get; private init; }
    public ushort SectionHeaderCount { get; private init; }
    public ushort SectionNames { get; private init; }

    /// <summary>Parses the first bytes of a file.</summary>
    /// <param name="bytes">The file's start: 64 bytes, or all of a shorter file.</param>
    /// <param name="file">What errors call the file.</param>
    /// <exception cref="ImageException">NotElf, NotElf64, WrongMachine or Malformed.</exception>
    public static ElfHeader Parse(ReadOnlySpan<byte> bytes, string file)
    {
        if (!bytes.StartsWith("\u007fELF"u8))
            throw new ImageException(ImageFailureReason.NotElf, file, "not an ELF file: it does not start with the bytes 7f 45 4c 46");
        if (bytes.Length > 4 && bytes[4] != ELFCLASS64)
            throw new ImageException(ImageFailureReason.NotElf64, file, $"not a 64-bit ELF file (EI_CLASS at offset 0x4 is {bytes[4]})");
        if (bytes.Length < HeaderBytes)
            throw new ImageException(ImageFailureReason.Malformed, file, $"the ELF header has {HeaderBytes} bytes, but the file has {bytes.Length}");
        ushort machine = BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]);
        if (bytes[5] != ELFDATA2LSB || machine != EM_X86_64)
            throw new ImageException(ImageFailureReason.WrongMachine, file, $"not for x86-64 (EI_DATA at offset 0x5 is {bytes[5]}, e_machine at offset 0x12 is {machine})");
        return new ElfHeader
        {
            Type = BinaryPrimitives.ReadUInt16LittleEndian(bytes[16..]),
            EntryPoint = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]),
            ProgramHeaders = BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]),
            SectionHeaders = BinaryPrimitives.ReadUInt64LittleEndian(bytes[40..]),
            ProgramHeaderSize = BinaryPrimitives.ReadUInt16LittleEndian(bytes[54..]),
            ProgramHeaderCount = BinaryPrimitives.ReadUInt16LittleEndian(bytes[56..]),
            SectionHeaderSize = BinaryPrimitives.ReadUInt16LittleEndian(bytes[58..]),
            SectionHeaderCount = BinaryPrimitives.ReadUInt16LittleEndian(bytes[60..]),
            SectionNames = BinaryPrimitives.ReadUInt16LittleEndian(bytes[62..]),
        };
    }
}
