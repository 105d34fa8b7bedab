using System.Buffers.Binary;

namespace Uprobes.Images;

/// <summary>Access that a segment asks for (p_flags).</summary>
[Flags]
public enum ElfSegmentAccess : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>PF_X.</summary>
    Execute = 1,

    /// <summary>PF_W.</summary>
    Write = 2,

    /// <summary>PF_R.</summary>
    Read = 4,
}

/// <summary>A part of the file that is loaded into memory (PT_LOAD).</summary>
/// <param name="FileOffset">Where its bytes start in the file.</param>
/// <param name="FileSize">How many bytes come from the file.</param>
/// <param name="LinkAddress">The address that the linker gave its first byte.</param>
/// <param name="MemorySize">Its bytes in memory; those above <paramref name="FileSize"/> are zero.</param>
/// <param name="Access">What may be done with its memory.</param>
public readonly record struct ElfSegment(FileOffset FileOffset, ulong FileSize, LinkAddress LinkAddress, ulong MemorySize, ElfSegmentAccess Access)
{
    /// <summary>Whether code of this segment can run (PF_X).</summary>
    public bool IsExecutable => (Access & ElfSegmentAccess.Execute) != 0;

    /// <summary>Whether the byte is one of the segment's in the file.</summary>
    public bool Contains(FileOffset offset) => offset >= FileOffset && offset.Value - FileOffset.Value < FileSize;

    /// <summary>Whether the address is one of the segment's bytes that come from the file.</summary>
    public bool Contains(LinkAddress address) => address >= LinkAddress && address.Value - LinkAddress.Value < FileSize;
}

/// <summary>A program header of any type (<c>Elf64_Phdr</c>).</summary>
internal readonly record struct ElfProgramHeader(uint Type, uint Flags, ulong Offset, ulong Address, ulong FileSize, ulong MemorySize, ulong Alignment)
{
    /// <summary>Parses 56 bytes.</summary>
    public static ElfProgramHeader Parse(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[40..]),
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[48..]));
}
