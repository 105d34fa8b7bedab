using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

internal static partial class LibC
{
#pragma warning disable CS1591 // The constants of those names in sys/signalfd.h.
    internal const int SFD_NONBLOCK = 0x800, SFD_CLOEXEC = 0x80000;

    /// <summary>sizeof(struct signalfd_siginfo).</summary>
    internal const int SignalfdRecordSize = 128;
#pragma warning restore CS1591

    [LibraryImport("libc", SetLastError = true)]
    internal static unsafe partial SafeFileHandle signalfd(int existing, SignalSet* set, int flags);
}
