using Uprobes.Images;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>What a site of the engine's own tells of calls that end without returning.</summary>
internal enum ExitHookKind
{
    None,

    /// <summary>A function of the longjmp family begins: rdi is the jmp_buf.</summary>
    LongJump,

    /// <summary>setcontext begins: rdi is the ucontext_t.</summary>
    SetContext,

    /// <summary>makecontext begins: a coroutine gets a stack, and whatever ran there has ended.</summary>
    MakeContext,

    /// <summary>A function of the unwinder begins that leaves frames and does not return.</summary>
    Throw,

    /// <summary>A C++ handler begins, in the frame that caught.</summary>
    Catch,
}

/// <summary>
/// Breakpoints of the engine's own on the ways out of a function other than its return, armed while calls are followed.
/// Where a program has none of these functions under its name, what was left is noticed only when its place is used again.
/// </summary>
internal sealed class ExitHooks
{
    private static readonly Dictionary<string, ExitHookKind> Functions = new()
    {
        ["longjmp"] = ExitHookKind.LongJump,
        ["_longjmp"] = ExitHookKind.LongJump,
        ["siglongjmp"] = ExitHookKind.LongJump,
        ["__longjmp_chk"] = ExitHookKind.LongJump,
        ["__libc_longjmp"] = ExitHookKind.LongJump,
        ["__libc_siglongjmp"] = ExitHookKind.LongJump,
        ["setcontext"] = ExitHookKind.SetContext,
        ["makecontext"] = ExitHookKind.MakeContext,
        ["_Unwind_RaiseException"] = ExitHookKind.Throw,
        ["_Unwind_ForcedUnwind"] = ExitHookKind.Throw,
        ["_Unwind_Resume"] = ExitHookKind.Throw,
        ["_Unwind_Resume_or_Rethrow"] = ExitHookKind.Throw,
        ["__cxa_begin_catch"] = ExitHookKind.Catch,
    };

    /// <summary>How the files begin that have such functions; the program itself may have them too.</summary>
    private static readonly string[] Libraries = ["libc.so", "libc-", "libc.musl", "ld-musl", "libgcc_s", "libunwind", "libstdc++", "libc++"];

    /// <summary>Found in each file once.</summary>
    private readonly Dictionary<(ulong Device, ulong Inode, string Path), IReadOnlyList<(ulong Offset, ExitHookKind Kind)>> _found = [];

    /// <summary>Arms the hooks in a mapping, if its file has any.</summary>
    /// <returns>Whether longjmp is among them.</returns>
    internal bool Arm(SpaceArming space, TracedProcess process, in Mapping mapping)
    {
        bool hasJump = false;
        if (!mapping.HasFile || !IsLikely(process, mapping))
            return false;
        foreach ((ulong offset, ExitHookKind kind) in Find(process, mapping))
        {
            if (offset >= mapping.FileOffset && offset - mapping.FileOffset < mapping.Length
                && space.ArmInternal(process, mapping, mapping.Start + (offset - mapping.FileOffset)) is { } site)
            {
                site.ExitHook = kind;
                hasJump |= kind == ExitHookKind.LongJump;
            }
        }

        return hasJump;
    }

    private static bool IsLikely(TracedProcess process, in Mapping mapping)
    {
        string name = mapping.Path[(mapping.Path.LastIndexOf('/') + 1)..];
        return Libraries.Any(l => name.StartsWith(l, StringComparison.Ordinal)) || MappingHooks.IsMainProgram(process, mapping);
    }

    private IReadOnlyList<(ulong Offset, ExitHookKind Kind)> Find(TracedProcess process, in Mapping mapping)
    {
        (ulong, ulong, string) key = (mapping.Device, mapping.Inode, mapping.Path);
        if (_found.TryGetValue(key, out IReadOnlyList<(ulong, ExitHookKind)>? found))
            return found;
        found = Read(process.LiveThread()?.ThreadId ?? process.ProcessId, mapping);
        if (found is not null)
            _found.Add(key, found); // Not where the thread may just have ended, or the file could not be opened this time.
        return found ?? [];
    }

    private static List<(ulong Offset, ExitHookKind Kind)>? Read(int tid, in Mapping mapping)
    {
        using ElfImage? image = OpenFile(tid, mapping);
        if (image is null)
            return null;
        Dictionary<ulong, ExitHookKind> found = [];
        foreach ((string name, ExitHookKind kind) in Functions)
        {
            foreach (FunctionSymbol function in image.Functions.InOwnTables(name))
                found[function.Offset.Value] = kind;
        }

        return [.. found.Select(f => (f.Key, f.Value))];
    }

    /// <summary>A mapping's file; null where it cannot be read.</summary>
    internal static ElfImage? OpenFile(int tid, in Mapping mapping) => Open($"/proc/{tid}/map_files/{mapping.Start:x}-{mapping.End:x}")
        ?? (mapping.IsDeleted ? null : Open($"/proc/{tid}/root{mapping.Path}"));

    /// <summary>Null where it cannot be read: then its hooks are missing, and the tracker judges by what it sees.</summary>
    private static ElfImage? Open(string path)
    {
        try
        {
            return ElfImage.Open(path);
        }
        catch (ImageException)
        {
            return null;
        }
    }
}
