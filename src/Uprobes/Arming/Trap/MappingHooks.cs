using Uprobes.Arming.Trap.X64;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>
/// Breakpoints of the engine's own by which it learns of new mappings before anything in them can run: right behind the
/// mmap and munmap system calls of the dynamic linker and behind mmap of the C library (or of a static program). Programs that
/// make these calls in code of their own are noticed at the next of these.
/// </summary>
internal static class MappingHooks
{
    private const int BlockSize = 64 * 1024;
    private const int MapCall = 9, UnmapCall = 11, ActionCall = 13;

    /// <summary>Arms the hooks in a mapping, if its file is one that has them.</summary>
    internal static void Arm(SpaceArming space, TracedProcess process, in Mapping mapping)
    {
        string name = mapping.Path[(mapping.Path.LastIndexOf('/') + 1)..];
        bool isLinker = name.StartsWith("ld-", StringComparison.Ordinal) || name.StartsWith("ld.so", StringComparison.Ordinal)
            || name.StartsWith("ld64", StringComparison.Ordinal);
        bool isLibrary = name.StartsWith("libc.so", StringComparison.Ordinal) || name.StartsWith("libc-", StringComparison.Ordinal);
        if (!isLinker && !isLibrary && !IsMainProgram(process, mapping))
            return;
        // musl's linker is its C library and unloads nothing; its threads unmap their own stacks, where nobody may stop.
        bool unloads = isLinker && !name.StartsWith("ld-musl", StringComparison.Ordinal);
        TraceeMemory memory = process.Space.Memory;
        byte[] block = new byte[BlockSize + SystemCallFinder.Overlap];
        List<ulong> actionCalls = [];
        for (ulong start = mapping.Start; start < mapping.End; start += BlockSize)
        {
            int read = memory.Read(new RemoteAddress(start), block.AsSpan(0, (int)Math.Min((ulong)block.Length, mapping.End - start)));
            space.HideBreakpoints(start, block.AsSpan(0, read));
            foreach ((int position, int number) in SystemCallFinder.Find(block, read, BlockSize, [MapCall, UnmapCall, ActionCall]))
            {
                ulong address = start + (ulong)position;
                if (number == ActionCall)
                    actionCalls.Add(address);
                else if (number == MapCall || unloads)
                    Hook(address, number == MapCall ? MappingHookKind.Map : MappingHookKind.Unmap, mapping);
            }
        }

        space.AddActionCalls(process, mapping, actionCalls);

        void Hook(ulong address, MappingHookKind kind, in Mapping mapping)
        {
            if (space.ArmInternal(process, mapping, address, out ArmingRefusal? refusal) is { } site)
                site.Hook = kind;
            else if (kind == MappingHookKind.Map && refusal is { Reason: ArmingRefusalReason.NoMemoryNearImage })
                space.TellUnwatched(process, mapping);
        }
    }

    /// <summary>A static program has its C library inside; a dynamic one has no such calls, and looking costs little.</summary>
    internal static bool IsMainProgram(TracedProcess process, in Mapping mapping)
    {
        int tid = process.LiveThread()?.ThreadId ?? process.ProcessId; // The links of a leader that has exited before the others cannot be read.
        try
        {
            return File.ResolveLinkTarget($"/proc/{tid}/exe", returnFinalTarget: false)?.FullName == mapping.Path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
