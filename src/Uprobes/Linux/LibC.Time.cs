using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>Calls of <c>time.h</c>.</summary>
internal static partial class LibC
{
    internal const int CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, CLOCK_BOOTTIME = 7, CLOCK_TAI = 11;

    /// <summary><c>struct timespec</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct TimeSpecification
    {
        internal long Seconds, Nanoseconds;
    }

    /// <summary>Never waits, so that the garbage collector need not be told of the call.</summary>
    [SuppressGCTransition]
    [LibraryImport("libc")]
    internal static partial int clock_gettime(int clock, out TimeSpecification time);
}
