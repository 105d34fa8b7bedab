namespace Uprobes.Images;

/// <summary>Where a function's entry in the table comes from. The order is that in which sources are believed.</summary>
public enum FunctionOrigin
{
    /// <summary><c>.dynsym</c>: what the file exports, with versions.</summary>
    DynamicSymbols,

    /// <summary><c>.symtab</c>.</summary>
    SymbolTable,

    /// <summary><c>.symtab</c> of a separate debug file.</summary>
    DebugFile,

    /// <summary><c>.symtab</c> unpacked from <c>.gnu_debugdata</c>.</summary>
    MiniDebugInfo,

    /// <summary><c>.eh_frame</c>: a function without a name.</summary>
    UnwindTable,
}
