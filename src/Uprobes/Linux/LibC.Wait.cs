using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>Calls of <c>sys/wait.h</c>.</summary>
internal static partial class LibC
{
    internal const int WNOHANG = 1;

    /// <summary>Wait for children and tracees of the calling thread alone (wait(2)).</summary>
    internal const int __WNOTHREAD = 0x20000000;

    /// <summary>Wait for children whatever signal they send on exit, also those that send none (wait(2)).</summary>
    internal const int __WALL = 0x40000000;

    internal const int WSTOPPED = 2, WEXITED = 4, WNOWAIT = 0x01000000, P_ALL = 0, P_PID = 1;

    /// <summary>si_code of a report about a child that ended by itself, was killed, dumped core, or stopped (asm-generic/siginfo.h).</summary>
    internal const int CLD_EXITED = 1, CLD_KILLED = 2, CLD_DUMPED = 3, CLD_TRAPPED = 4, CLD_STOPPED = 5;

    /// <summary>The part of <c>siginfo_t</c> that waitid(2) fills: 128 bytes.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    internal struct ChildInfo
    {
        [FieldOffset(8)] internal int Code;
        [FieldOffset(16)] internal int ProcessId;
        [FieldOffset(24)] internal int Status;
    }

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int waitid(int idType, int id, out ChildInfo info, int options);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int waitpid(int processId, out int status, int options);
}
