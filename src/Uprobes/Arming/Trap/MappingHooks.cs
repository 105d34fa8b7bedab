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

    /// <summary>mov $9,%eax (mmap) or mov $11,%eax (munmap), then syscall: how both glibc and musl make these calls.</summary>
    private static readonly byte[] MapCall = [0xB8, 9, 0, 0, 0, 0x0F, 0x05], UnmapCall = [0xB8, 11, 0, 0, 0, 0x0F, 0x05];

    /// <summary>Arms the hooks in a mapping, if its file is one that has them.</summary>
    internal static void Arm(SpaceArming space, TracedProcess process, in Mapping mapping)
    {
        string name = mapping.Path[(mapping.Path.LastIndexOf('/') + 1)..];
        bool isLinker = name.StartsWith("ld-", StringComparison.Ordinal) || name.StartsWith("ld.so", StringComparison.Ordinal)
            || name.StartsWith("ld64", StringComparison.Ordinal);
        bool isLibrary = name.StartsWith("libc.so", StringComparison.Ordinal) || name.StartsWith("libc-", StringComparison.Ordinal);
        if (!isLinker && !isLibrary && !IsMainProgram(process, mapping))
            return;
        TraceeMemory memory = process.Space.Memory;
        byte[] block = new byte[BlockSize + MapCall.Length];
        for (ulong start = mapping.Start; start < mapping.End; start += BlockSize)
        {
            int read = memory.Read(new RemoteAddress(start), block.AsSpan(0, (int)Math.Min((ulong)block.Length, mapping.End - start)));
            HookAll(space, process, mapping, start, block.AsSpan(0, read), MapCall, MappingHookKind.Map);
            if (isLinker)
                HookAll(space, process, mapping, start, block.AsSpan(0, read), UnmapCall, MappingHookKind.Unmap);
        }
    }

    private static void HookAll(
        SpaceArming space, TracedProcess process, in Mapping mapping, ulong start, ReadOnlySpan<byte> block, ReadOnlySpan<byte> call, MappingHookKind kind)
    {
        int at = 0;
        for (int next; (next = block[at..].IndexOf(call)) >= 0; at += next + 1)
        {
            if (space.ArmInternal(process, mapping, start + (ulong)(at + next + call.Length)) is { } site)
                site.Hook = kind;
        }
    }

    /// <summary>A static program has its C library inside; a dynamic one has no such calls, and looking costs little.</summary>
    internal static bool IsMainProgram(TracedProcess process, in Mapping mapping)
    {
        try
        {
            return File.ResolveLinkTarget($"/proc/{process.ProcessId}/exe", returnFinalTarget: false)?.FullName == mapping.Path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
