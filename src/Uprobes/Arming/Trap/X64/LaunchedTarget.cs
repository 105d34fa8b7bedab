using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Uprobes.Linux;

namespace Uprobes.Arming.Trap.X64;

/// <summary>
/// A child that waits to execute its program, or does so by now. For the tracer's thread. Its status is the caller's
/// to collect, once it has been released.
/// </summary>
internal sealed class LaunchedTarget : IDisposable
{
    private readonly SafeFileHandle _release, _failure;
    private bool _released;

    internal LaunchedTarget(int processId, SafeFileHandle release, SafeFileHandle failure)
    {
        ProcessId = processId;
        _release = release;
        _failure = failure;
    }

    /// <summary>The child's process id, which is the program's too.</summary>
    internal int ProcessId { get; }

    /// <summary>After a failure that <see cref="TryReadExecError"/> has returned: what failed.</summary>
    internal LaunchStep? FailedStep { get; private set; }

    /// <summary>Lets the child execute its program. Only the first call does anything.</summary>
    /// <exception cref="SyscallException">EPIPE: the child has died while it waited.</exception>
    internal unsafe void Release()
    {
        ObjectDisposedException.ThrowIf(_release.IsClosed, this);
        if (_released)
            return;
        byte go = 1;
        nint written;
        do
            written = LibC.write(_release, &go, 1); // SAFETY: one byte of our own.
        while (written < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        if (written != 1)
            throw new SyscallException($"release process {ProcessId}", Marshal.GetLastPInvokeError());
        _released = true;
    }

    /// <summary>
    /// Why the program could not be executed. Ask once the child is known to have executed it (PTRACE_EVENT_EXEC) or
    /// to have ended (it then exits with 127); this does not wait.
    /// </summary>
    /// <returns>The errno of the <see cref="FailedStep"/>; null when no failure was reported.</returns>
    /// <exception cref="SyscallException">The report could not be read.</exception>
    internal unsafe int? TryReadExecError()
    {
        ObjectDisposedException.ThrowIf(_failure.IsClosed, this);
        int* report = stackalloc int[LauncherCode.FailureSize / sizeof(int)];
        nint length;
        do
            length = LibC.read(_failure, report, LauncherCode.FailureSize); // SAFETY: the buffer has that size.
        while (length < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        if (length < 0 && Marshal.GetLastPInvokeError() != Errno.EAGAIN)
            throw new SyscallException($"read the launch report of process {ProcessId}", Marshal.GetLastPInvokeError());
        if (length != LauncherCode.FailureSize)
            return null;
        FailedStep = (LaunchStep)report[1];
        return report[0];
    }

    /// <summary>
    /// Closes the pipes. A child that was not released is killed and its status collected; one that was released goes
    /// on. Idempotent.
    /// </summary>
    public void Dispose()
    {
        if (_release.IsClosed)
            return;
        _release.Dispose();
        _failure.Dispose();
        if (_released)
            return;
        try
        {
            ChildProcess.Kill(ProcessId);
            ChildProcess.Collect(ProcessId);
        }
        catch (SyscallException exception) when (exception.Error is Errno.ESRCH or Errno.ECHILD)
        {
            // The tracer's own wait has collected it: it was dead before.
        }
    }
}
