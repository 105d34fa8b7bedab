using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>Calls of <c>sys/wait.h</c>.</summary>
internal static partial class LibC
{
    internal const int WNOHANG = 1;

    /// <summary>Wait for children and tracees of the calling thread alone (wait(2)).</summary>
    internal const int __WNOTHREAD = 0x20000000;

    /// <summary>Wait for children whatever signal they send on exit, also those that send none (wait(2)).</summary>
    internal const int __WALL = 0x40000000;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int waitpid(int processId, out int status, int options);
}
