namespace Uprobes.Arming.Inline;

/// <summary>Functions whose return address has to stay what it is: they keep it, look at it, or have none (traps Q8, Q9).</summary>
internal static class CallRules
{
    private static readonly HashSet<string> Excluded =
    [
        // They keep the place to which they return, and return again.
        "setjmp", "_setjmp", "__setjmp", "sigsetjmp", "__sigsetjmp", "__sigjmp_save", "getcontext", "__getcontext", "swapcontext", "__swapcontext",
        "vfork", "__vfork", "__libc_vfork", "clone", "__clone", "clone3", "__clone3", "__clone_internal", "__clone_internal_fallback",
        // They ask who called.
        "dlsym", "__dlsym", "dlvsym", "__dlvsym", "dlopen", "___dlopen", "__dlopen", "dlmopen", "___dlmopen", "mcount", "_mcount", "__fentry__",
        // They begin without a caller, or with the stack of another.
        "_start", "_dl_start", "_dl_start_user", "__restore_rt", "_dl_fixup", "_dl_profile_fixup",
    ];

    private static readonly string[] Families = ["_dl_runtime_", "_dl_tlsdesc", "_Unwind_", "__cyg_profile_func", "uw_", "__register_frame", "__deregister_frame"];

    /// <summary>Whether the return address of a function may be replaced.</summary>
    /// <param name="names">All its names; without one it may be a part of another function, which has no return address of its own.</param>
    internal static bool MayFollow(IReadOnlyCollection<string> names) => names.Count > 0 && names.All(MayFollow);

    private static bool MayFollow(string name)
    {
        int version = name.IndexOf('@', StringComparison.Ordinal);
        string plain = version < 0 ? name : name[..version];
        return !Excluded.Contains(plain) && !plain.StartsWith("fn_0x", StringComparison.Ordinal) && !plain.Contains(".cold", StringComparison.Ordinal)
            && !Families.Any(family => plain.StartsWith(family, StringComparison.Ordinal));
    }
}
