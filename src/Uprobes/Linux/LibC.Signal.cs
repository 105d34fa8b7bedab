using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>Calls and constants of <c>signal.h</c>.</summary>
internal static partial class LibC
{
    internal const int SIGTRAP = 5, SIGKILL = 9, SIGPIPE = 13, SIGCHLD = 17;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int kill(int processId, int signal);
}
