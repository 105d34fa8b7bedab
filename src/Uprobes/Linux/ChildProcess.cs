using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>
/// Waiting for and killing a child of this process by its id. Until its status has been collected the id cannot name
/// any other process.
/// </summary>
internal static class ChildProcess
{
    /// <summary>Collects the status of a child that has ended, without waiting; any thread may ask.</summary>
    /// <returns>Null while it runs; otherwise its wait status (wait(2)).</returns>
    /// <exception cref="SyscallException">ECHILD: it is no child of ours, or its status was collected before.</exception>
    internal static int? TryCollect(int processId) => Wait(processId, LibC.WNOHANG);

    /// <summary>Waits until a child has ended or stopped, and collects its status.</summary>
    /// <exception cref="SyscallException">ECHILD: it is no child of ours, or its status was collected before.</exception>
    internal static int Collect(int processId) => Wait(processId, 0)!.Value;

    /// <summary>Ends a child at once (SIGKILL). One that has ended already and is not collected yet is no error.</summary>
    /// <exception cref="SyscallException">EPERM: it has changed its user; ESRCH: its status was collected before.</exception>
    internal static void Kill(int processId)
    {
        if (LibC.kill(processId, LibC.SIGKILL) != 0)
            throw new SyscallException($"kill {processId}", Marshal.GetLastPInvokeError());
    }

    private static int? Wait(int processId, int options)
    {
        while (true)
        {
            int result = LibC.waitpid(processId, out int status, options | LibC.__WALL);
            if (result == processId)
                return status;
            if (result == 0)
                return null;
            int error = Marshal.GetLastPInvokeError();
            if (error != Errno.EINTR)
                throw new SyscallException($"waitpid {processId}", error);
        }
    }
}
