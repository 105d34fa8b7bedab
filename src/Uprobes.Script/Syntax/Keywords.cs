using System.Collections.Frozen;

namespace Uprobes.Script.Syntax;

/// <summary>Words with a meaning of their own, which nothing else can be named by.</summary>
internal static class Keywords
{
    /// <summary>Those that a statement begins with.</summary>
    internal static readonly string[] OfStatements = ["if", "for", "while", "unroll", "let", "return", "break", "continue", "else", "import"];

    /// <summary>Those that a part of the script other than a probe begins with.</summary>
    internal static readonly string[] OfScripts = ["config", "macro", "struct", "union", "enum", "typedef", "let", "import"];

    private static readonly FrozenSet<string> Reserved = FrozenSet.ToFrozenSet(
    [
        .. OfStatements, "macro", "struct", "union", "enum", "typedef", "sizeof", "offsetof", "typeof", "typeinfo", "comptime", "true", "false",
    ]);

    /// <summary>Integer types, as the language and as C write them. Several of C's words make one type.</summary>
    private static readonly FrozenSet<string> Types = FrozenSet.ToFrozenSet(
    [
        "void", "bool", "_Bool", "char", "short", "int", "long", "float", "double", "signed", "unsigned",
        "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
        "uint8_t", "uint16_t", "uint32_t", "uint64_t", "int8_t", "int16_t", "int32_t", "int64_t",
        "__u8", "__u16", "__u32", "__u64", "__s8", "__s16", "__s32", "__s64", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64",
        "size_t", "ssize_t", "uintptr_t", "intptr_t", "off_t", "pid_t", "uid_t", "gid_t", "time_t", "mode_t", "ptrdiff_t", "socklen_t", "sa_family_t", "in_port_t", "in_addr_t",
        "string", "buffer", "inet", "timestamp", "usym_t", "ksym_t", "ustack_t", "kstack_t", "macaddr_t",
        "count_t", "sum_t", "min_t", "max_t", "avg_t", "stats_t", "usum_t", "umin_t", "umax_t", "uavg_t", "ustats_t", "hist_t", "lhist_t", "tseries_t",
    ]);

    private static readonly FrozenSet<string> CWords =
        FrozenSet.ToFrozenSet(["void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "_Bool", "bool"]);

    private static readonly FrozenSet<string> Qualifiers =
        FrozenSet.ToFrozenSet(["const", "volatile", "restrict", "__restrict", "register", "static", "extern", "inline", "__const", "__volatile__"]);

    internal static bool IsReserved(string word) => Reserved.Contains(word);

    /// <summary>Whether a word names a type wherever it stands.</summary>
    internal static bool IsType(string word) => Types.Contains(word);

    /// <summary>Whether a word is one of those of which C makes a type, such as <c>unsigned</c>.</summary>
    internal static bool IsCWord(string word) => CWords.Contains(word);

    /// <summary>Whether a word stands before a type and says nothing about its layout.</summary>
    internal static bool IsQualifier(string word) => Qualifiers.Contains(word);
}
