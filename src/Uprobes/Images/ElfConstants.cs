namespace Uprobes.Images;

/// <summary>The numbers of the ELF format that this layer reads, as elf.h spells them.</summary>
internal static class ElfConstants
{
    public const int HeaderBytes = 64, ProgramHeaderBytes = 56, SectionHeaderBytes = 64, SymbolBytes = 24, DynamicEntryBytes = 16;
    public const byte ELFCLASS64 = 2, ELFDATA2LSB = 1;
    public const ushort EM_X86_64 = 62, ET_REL = 1, ET_EXEC = 2, ET_DYN = 3, ET_CORE = 4, PN_XNUM = 0xffff, SHN_XINDEX = 0xffff;
    public const uint PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3, PT_NOTE = 4, PT_GNU_EH_FRAME = 0x6474e550;
    public const uint SHT_SYMTAB = 2, SHT_STRTAB = 3, SHT_NOBITS = 8, SHT_DYNSYM = 11;
    public const ulong SHF_EXECINSTR = 4, SHF_COMPRESSED = 0x800;
    public const ushort SHN_UNDEF = 0, SHN_LORESERVE = 0xff00;
    public const byte STT_NOTYPE = 0, STT_OBJECT = 1, STT_FUNC = 2, STT_GNU_IFUNC = 10, STB_LOCAL = 0, STB_GLOBAL = 1, STB_WEAK = 2;
    public const long DT_NULL = 0, DT_NEEDED = 1, DT_HASH = 4, DT_STRTAB = 5, DT_SYMTAB = 6, DT_RELA = 7, DT_RELASZ = 8, DT_STRSZ = 10, DT_INIT = 12, DT_FINI = 13, DT_SONAME = 14,
        DT_PLTRELSZ = 2, DT_JMPREL = 23, DT_RELR = 36,
        DT_RPATH = 15, DT_RUNPATH = 29, DT_GNU_HASH = 0x6ffffef5, DT_VERSYM = 0x6ffffff0, DT_FLAGS_1 = 0x6ffffffb,
        DT_VERDEF = 0x6ffffffc, DT_VERDEFNUM = 0x6ffffffd;
    public const uint R_X86_64_64 = 1, R_X86_64_RELATIVE = 8, R_X86_64_IRELATIVE = 37;
    public const ulong DF_1_PIE = 0x08000000;
    public const uint NT_GNU_BUILD_ID = 3;
}
