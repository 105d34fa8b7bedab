using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>Calls about processes and threads by number.</summary>
internal static class Tasks
{
    private const int KCMP_VM = 1;

    /// <summary>The calling thread's id (gettid(2)).</summary>
    internal static int CurrentThreadId => (int)LibC.syscall(LibC.SYS_gettid, 0, 0, 0, 0, 0);

    /// <summary>Sends a signal to one thread of this process (tgkill(2)). Returns 0 or errno.</summary>
    internal static int SignalOwnThread(int tid, int signal) =>
        LibC.syscall(LibC.SYS_tgkill, Environment.ProcessId, tid, signal, 0, 0) < 0 ? Marshal.GetLastPInvokeError() : 0;

    /// <summary>Sends a signal to a process (kill(2)). Returns 0 or errno.</summary>
    internal static int Kill(int pid, int signal) => LibC.kill(pid, signal) < 0 ? Marshal.GetLastPInvokeError() : 0;

    /// <summary>Whether two tasks share one address space (kcmp(2) KCMP_VM); null where the kernel does not tell.</summary>
    internal static bool? ShareMemory(int first, int second)
    {
        nint order = LibC.syscall(LibC.SYS_kcmp, first, second, KCMP_VM, 0, 0);
        return order < 0 ? null : order == 0;
    }

    /// <summary>Waits for a tracee or child of the calling thread alone (waitpid(2) with __WALL and __WNOTHREAD).</summary>
    /// <param name="pid">A thread id, or -1 for any.</param>
    /// <param name="block">Whether to wait when nothing has happened yet.</param>
    /// <param name="status">The status, when the result is positive.</param>
    /// <returns>The thread id, 0 when nothing has happened, or a negated errno (EINTR, ECHILD).</returns>
    internal static int Wait(int pid, bool block, out WaitStatus status)
    {
        int result = LibC.waitpid(pid, out int raw, LibC.__WALL | LibC.__WNOTHREAD | (block ? 0 : LibC.WNOHANG));
        status = new WaitStatus(raw);
        return result < 0 ? -Marshal.GetLastPInvokeError() : result;
    }
}
