using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>Calls of <c>sched.h</c>.</summary>
internal static partial class LibC
{
    [LibraryImport("libc", SetLastError = true)]
    internal static unsafe partial int sched_setaffinity(int pid, nuint size, byte* mask);

    [LibraryImport("libc", SetLastError = true)]
    internal static unsafe partial int sched_getaffinity(int pid, nuint size, byte* mask);

    [LibraryImport("libc", SetLastError = true)]
    internal static unsafe partial int sched_setscheduler(int pid, int policy, int* parameter);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int sched_getscheduler(int pid);
}
