using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

internal static partial class LibC
{
#pragma warning disable CS1591 // The constants of those names in sys/eventfd.h.
    internal const int EFD_NONBLOCK = 0x800, EFD_CLOEXEC = 0x80000;
#pragma warning restore CS1591

    [LibraryImport("libc", SetLastError = true)]
    internal static partial SafeFileHandle eventfd(uint initial, int flags);
}
