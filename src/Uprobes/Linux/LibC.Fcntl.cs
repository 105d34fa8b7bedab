using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>Calls and constants of <c>fcntl.h</c>.</summary>
internal static partial class LibC
{
    internal const int O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
    internal const int F_DUPFD_CLOEXEC = 1030;
    internal const int AT_FDCWD = -100, AT_EACCESS = 0x200;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fcntl(int fileDescriptor, int command, int argument);
}
