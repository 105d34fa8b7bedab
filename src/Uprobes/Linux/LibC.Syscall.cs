using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>System calls for which the C libraries that we support have no function of their own (syscall(2)).</summary>
internal static partial class LibC
{
    internal const long SYS_pidfd_open = 434;

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long syscall(long number, nint argument0, nint argument1);
}
