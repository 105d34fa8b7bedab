using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>System calls for which the C libraries that we support have no function of their own (syscall(2)).</summary>
internal static partial class LibC
{
    internal const nint SYS_gettid = 186, SYS_tgkill = 234, SYS_kcmp = 312, SYS_pidfd_open = 434;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint syscall(nint number, nint a1, nint a2, nint a3, nint a4, nint a5);
}
