using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images;

/// <summary>A named part of the file (<c>Elf64_Shdr</c>). Running needs no sections, so a file may have none.</summary>
/// <param name="Index">Its number in the section table, as symbols refer to it.</param>
/// <param name="Name">Its name, empty where the name table does not hold it.</param>
/// <param name="Type">sh_type.</param>
/// <param name="Flags">sh_flags.</param>
/// <param name="LinkAddress">The address of its first byte, or 0 where it is not loaded.</param>
/// <param name="FileOffset">Where its bytes start in the file.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Link">sh_link: for a symbol table the index of its string table.</param>
public sealed record ElfSection(int Index, string Name, uint Type, ulong Flags, LinkAddress LinkAddress, FileOffset FileOffset, ulong Size, uint Link)
{
    /// <summary>Whether it holds code (SHF_EXECINSTR).</summary>
    public bool IsExecutable => (Flags & SHF_EXECINSTR) != 0;

    /// <summary>Whether its bytes are in the file (not SHT_NOBITS).</summary>
    public bool HasFileContents => Type is not (0 or SHT_NOBITS);

    /// <summary>Whether its bytes in the file are compressed (SHF_COMPRESSED).</summary>
    public bool IsCompressed => (Flags & SHF_COMPRESSED) != 0;

    /// <summary>Whether the byte is one of the section's in the file.</summary>
    public bool Contains(FileOffset offset) => HasFileContents && offset >= FileOffset && offset.Value - FileOffset.Value < Size;

    /// <summary>Whether the address is one of the section's.</summary>
    public bool Contains(LinkAddress address) => address >= LinkAddress && address.Value - LinkAddress.Value < Size;
}
