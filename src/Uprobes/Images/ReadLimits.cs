namespace Uprobes.Images;

/// <summary>
/// How much a reader of image files takes before it calls a file malformed. Every limit is checked before memory is
/// taken for what it limits; in addition nothing larger than the file itself is ever allocated for a part of it.
/// </summary>
public sealed record ReadLimits
{
    /// <summary>The limits that the library uses where none are given.</summary>
    public static ReadLimits Default { get; } = new();

    /// <summary>Most program headers of a file.</summary>
    public uint ProgramHeaders { get; init; } = 1024;

    /// <summary>Most section headers of a file.</summary>
    public uint Sections { get; init; } = 1 << 18;

    /// <summary>Most bytes of one symbol table.</summary>
    public ulong SymbolTableBytes { get; init; } = 1UL << 30;

    /// <summary>Most bytes of one string table.</summary>
    public ulong StringTableBytes { get; init; } = 1UL << 30;

    /// <summary>Most bytes of one symbol's name.</summary>
    public int SymbolNameBytes { get; init; } = 1 << 16;

    /// <summary>
    /// Names of one symbol table may together take this many times the bytes of the table and its strings. Symbols
    /// can share strings; without this limit a small file could name a million symbols by one long string.
    /// </summary>
    public ulong NameExpansion { get; init; } = 8;

    /// <summary>Longest symbol name that is given to a demangler, in characters.</summary>
    public int DemangledNameCharacters { get; init; } = 4096;

    /// <summary>Most bytes of <c>.eh_frame</c>.</summary>
    public ulong UnwindTableBytes { get; init; } = 1UL << 29;

    /// <summary>Most bytes of <c>.debug_line</c>, unpacked, and of <c>.debug_line_str</c>.</summary>
    public ulong LineTableBytes { get; init; } = 1UL << 29;

    /// <summary>Most bytes of all sections of debug information that types are read from together, unpacked.</summary>
    public ulong DebugInfoBytes { get; init; } = 3UL << 30;

    /// <summary>Most bytes that are kept of an image's types and their names.</summary>
    public ulong TypeBytes { get; init; } = 1UL << 30;

    /// <summary>Most bytes of the dynamic section, and of each version table.</summary>
    public ulong DynamicTableBytes { get; init; } = 16UL << 20;

    /// <summary>Most bytes of the descriptors of restartable sequences (<c>__rseq_cs</c>).</summary>
    public ulong RestartableSequenceBytes { get; init; } = 1UL << 20;

    /// <summary>Most bytes of one note segment.</summary>
    public ulong NoteBytes { get; init; } = 1UL << 20;

    /// <summary>Most bytes of the notes of static probes (<c>.note.stapsdt</c>).</summary>
    public ulong StaticProbeBytes { get; init; } = 16UL << 20;

    /// <summary>Most bytes of a build id.</summary>
    public uint BuildIdBytes { get; init; } = 64;

    /// <summary>Most bytes of a path or library name that a file holds.</summary>
    public int PathBytes { get; init; } = 4096;

    /// <summary>Most bytes that <c>.gnu_debugdata</c> may unpack to.</summary>
    public ulong MiniDebugInfoBytes { get; init; } = 256UL << 20;

    /// <summary><c>.gnu_debugdata</c> may unpack to at most this many times its packed size.</summary>
    public ulong MiniDebugInfoExpansion { get; init; } = 100;

    /// <summary>Largest dictionary that <c>.gnu_debugdata</c> may ask its decoder to reserve (that of <c>xz -9</c>).</summary>
    public ulong MiniDebugInfoDictionaryBytes { get; init; } = 64UL << 20;

    /// <summary>Largest separate debug file whose checksum is computed.</summary>
    public ulong DebugFileBytes { get; init; } = 8UL << 30;

    /// <summary>Most bytes of <c>/etc/ld.so.cache</c>.</summary>
    public ulong LoaderCacheBytes { get; init; } = 64UL << 20;

    /// <summary>Most libraries that the closure of a program's DT_NEEDED entries is followed to.</summary>
    public int NeededLibraries { get; init; } = 4096;

    /// <summary>Most symbolic links followed in one path, as the kernel's own limit (path_resolution(7)).</summary>
    public int SymbolicLinks { get; init; } = 40;
}
