namespace Uprobes.Images;

/// <summary>What an ELF file is for.</summary>
public enum ElfType
{
    /// <summary>A program at fixed addresses (ET_EXEC).</summary>
    Executable,

    /// <summary>A program that is loaded anywhere: ET_DYN with DF_1_PIE, or with an interpreter and no DT_SONAME.</summary>
    PositionIndependentExecutable,

    /// <summary>A shared library (other ET_DYN), the dynamic linker included.</summary>
    SharedObject,

    /// <summary>An object file, not yet linked (ET_REL): it has no addresses.</summary>
    Relocatable,

    /// <summary>A memory dump (ET_CORE).</summary>
    Core,
}
