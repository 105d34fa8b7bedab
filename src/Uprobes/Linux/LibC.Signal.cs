using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>Calls and constants of <c>signal.h</c>.</summary>
internal static partial class LibC
{
    /// <summary><c>struct sigaction</c> of glibc on x86-64 (bits/sigaction.h): 152 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct SigAction
    {
        internal nint Handler;
        internal fixed ulong Mask[16];
        internal int Flags;
        internal nint Restorer;
    }

    [LibraryImport("libc", SetLastError = true)]
    internal static unsafe partial int sigaction(int signal, SigAction* action, SigAction* old);

    internal const int SIGTRAP = 5, SIGKILL = 9, SIGPIPE = 13, SIGCHLD = 17;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int kill(int processId, int signal);
}
