using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

/// <summary>The C library's functions by the header that declares them, with the C spelling. Only wrappers in this layer call them.</summary>
internal static partial class LibC
{
#pragma warning disable CS1591 // Each is the constant of that name in fcntl(2) or open(2), x86-64.
    internal const int O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000, O_PATH = 0x200000;
    internal const int F_DUPFD_CLOEXEC = 1030, F_SETSIG = 10, F_SETOWN_EX = 15, F_GETOWN_EX = 16, F_SETLEASE = 1024, F_GETLEASE = 1025;
    internal const int F_RDLCK = 0, F_UNLCK = 2;
    internal const int F_OWNER_TID = 0;
    internal const int F_ADD_SEALS = 1033, F_GET_SEALS = 1034;
    internal const int F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4, F_SEAL_WRITE = 8, F_SEAL_FUTURE_WRITE = 16;
    internal const int AT_FDCWD = -100, AT_EACCESS = 0x200;
#pragma warning restore CS1591

    /// <summary><c>struct f_owner_ex</c> of <c>fcntl.h</c>: who gets a descriptor's signals.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct FileOwner
    {
        internal int Type, Id;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial SafeFileHandle open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fcntl(SafeFileHandle file, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fcntl(SafeFileHandle file, int command, ref FileOwner argument);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int fcntl(int fileDescriptor, int command, int argument);
}
