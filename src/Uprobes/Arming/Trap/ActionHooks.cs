using Uprobes.Images;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>
/// Breakpoints of the engine's own at the beginning of <c>sigaction</c>, by which the program is shown its own action for SIGTRAP instead
/// of ours. Behind the system call itself one stands only for the calls that concern SIGTRAP: posix_spawn makes it in its child as well,
/// for every signal and with all of them blocked, where a breakpoint kills the child if the tracer was killed.
/// </summary>
internal sealed class ActionHooks
{
    /// <summary>What all functions that set actions go through, but for posix_spawn (glibc signal/sigaction.c, musl src/signal/sigaction.c).</summary>
    private const string Function = "sigaction";
    private readonly Dictionary<(ulong Device, ulong Inode, string Path), ulong[]> _found = [];

    /// <summary>Arms the hooks in a mapping in which that system call was found.</summary>
    internal void Arm(SpaceArming space, TracedProcess process, in Mapping mapping)
    {
        foreach (ulong offset in Find(process, mapping))
        {
            if (offset >= mapping.FileOffset && offset - mapping.FileOffset < mapping.Length
                && space.ArmInternal(process, mapping, mapping.Start + (offset - mapping.FileOffset)) is { } site)
                site.Hook = MappingHookKind.SignalActionEntry;
        }
    }

    private ulong[] Find(TracedProcess process, in Mapping mapping)
    {
        (ulong, ulong, string) key = (mapping.Device, mapping.Inode, mapping.Path);
        if (_found.TryGetValue(key, out ulong[]? found))
            return found;
        using ElfImage? image = ExitHooks.OpenFile(process.LiveThread()?.ThreadId ?? process.ProcessId, mapping);
        if (image is null)
            return [];
        found = [.. image.Functions.InOwnTables(Function).Select(f => f.Offset.Value).Distinct()];
        _found.Add(key, found);
        return found;
    }
}
