using System.Runtime.InteropServices;

namespace Uprobes.Linux;

internal static partial class LibC
{
    internal const int WNOHANG = 1;
    internal const int __WNOTHREAD = 0x20000000;
    internal const int __WALL = 0x40000000;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int waitpid(int pid, out int status, int options);
}
