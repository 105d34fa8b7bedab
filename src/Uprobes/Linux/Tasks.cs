using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>Calls about processes and threads by number.</summary>
internal static class Tasks
{
    private const int KCMP_VM = 1;

    /// <summary>The calling thread's id (gettid(2)).</summary>
    internal static int CurrentThreadId => (int)LibC.syscall(LibC.SYS_gettid, 0, 0, 0, 0, 0);

    /// <summary>Sends a signal to one thread of this process (tgkill(2)). Returns 0 or errno.</summary>
    internal static int SignalOwnThread(int tid, int signal) => KillThread(Environment.ProcessId, tid, signal);

    /// <summary>Sends a signal to one thread of a process (tgkill(2)). Returns 0 or errno.</summary>
    internal static int KillThread(int pid, int tid, int signal) =>
        LibC.syscall(LibC.SYS_tgkill, pid, tid, signal, 0, 0) < 0 ? Marshal.GetLastPInvokeError() : 0;

    /// <summary>Sends a signal to a process (kill(2)). Returns 0 or errno.</summary>
    internal static int Kill(int pid, int signal) => LibC.kill(pid, signal) < 0 ? Marshal.GetLastPInvokeError() : 0;

    /// <summary>Whether two tasks share one address space (kcmp(2) KCMP_VM); null where the kernel does not tell.</summary>
    internal static bool? ShareMemory(int first, int second)
    {
        nint order = LibC.syscall(LibC.SYS_kcmp, first, second, KCMP_VM, 0, 0);
        return order < 0 ? null : order == 0;
    }

    /// <summary>Takes note of a stop for good, so that it is not reported again; its signal is lost.</summary>
    internal static void Collect(int tid) => _ = LibC.waitpid(tid, out _, LibC.WNOHANG | LibC.__WALL | LibC.__WNOTHREAD); // Nothing to take: it is gone.

    /// <summary>
    /// Whether the calling thread has any tracee, stopped or not, or a child that sends SIGCHLD at its end (wait(2) without __WALL, which
    /// does not look at exit signals where a task is traced: eligible_child, kernel/exit.c).
    /// </summary>
    internal static bool HasTracees() =>
        LibC.waitid(LibC.P_ALL, 0, out _, LibC.WEXITED | LibC.WSTOPPED | LibC.WNOWAIT | LibC.WNOHANG | LibC.__WNOTHREAD) == 0;

    /// <summary>
    /// Waits for a tracee or child of the calling thread alone (wait(2) with __WALL and __WNOTHREAD). A thread that is stopped
    /// before the delivery of a signal is only looked at, and is reported again until it is continued: collecting its status
    /// would take the signal away (wait_task_stopped clears task->exit_code, kernel/exit.c), and if the tracer were killed right then the thread
    /// would go on behind a breakpoint as if nothing had been there.
    /// </summary>
    /// <param name="pid">A thread id, or -1 for any.</param>
    /// <param name="block">Whether to wait when nothing has happened yet.</param>
    /// <param name="status">The status, when the result is positive.</param>
    /// <returns>The thread id, 0 when nothing has happened, or a negated errno (EINTR, ECHILD).</returns>
    internal static int Wait(int pid, bool block, out WaitStatus status)
    {
        const int Own = LibC.__WALL | LibC.__WNOTHREAD;
        while (true)
        {
            status = default;
            if (LibC.waitid(pid < 0 ? LibC.P_ALL : LibC.P_PID, pid < 0 ? 0 : pid, out LibC.ChildInfo info,
                    LibC.WEXITED | LibC.WSTOPPED | LibC.WNOWAIT | Own | (block ? 0 : LibC.WNOHANG)) != 0)
                return -Marshal.GetLastPInvokeError();
            if (info.ProcessId == 0)
                return 0;
            status = WaitStatus.Of(info.Code, info.Status);
            if (status.Kind == WaitKind.SignalDelivery)
                return info.ProcessId;
            int collected = LibC.waitpid(info.ProcessId, out int raw, LibC.WNOHANG | Own);
            status = new WaitStatus(raw);
            if (collected > 0)
                return collected;
            // It was killed between the two, or another of its threads takes its number in execve: look again.
        }
    }
}
