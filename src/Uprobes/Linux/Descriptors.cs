using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

/// <summary>
/// Makes descriptors, every one of them close-on-exec and numbered 3 or more, so that a child that fills its 0, 1 and
/// 2 cannot run over one. The caller owns what is returned.
/// </summary>
internal static class Descriptors
{
    private const int FirstFreeNumber = 3;

    /// <summary>Another descriptor for the same open file (fcntl(2), F_DUPFD_CLOEXEC).</summary>
    /// <exception cref="SyscallException">EBADF: not open; EMFILE: no descriptor is left.</exception>
    internal static SafeFileHandle Duplicate(int fileDescriptor)
    {
        int copy = LibC.fcntl(fileDescriptor, LibC.F_DUPFD_CLOEXEC, FirstFreeNumber);
        return copy < 0
            ? throw new SyscallException($"duplicate descriptor {fileDescriptor}", Marshal.GetLastPInvokeError())
            : new SafeFileHandle(copy, ownsHandle: true);
    }

    /// <summary>A pipe (pipe(2)).</summary>
    /// <param name="nonBlocking">Whether reading an empty pipe fails with EAGAIN rather than waits. The flag is on both ends.</param>
    /// <exception cref="SyscallException">EMFILE or ENFILE: no descriptor is left.</exception>
    internal static unsafe (SafeFileHandle Read, SafeFileHandle Write) Pipe(bool nonBlocking)
    {
        int* ends = stackalloc int[2];
        // SAFETY: pipe2 writes exactly two ints.
        if (LibC.pipe2(ends, LibC.O_CLOEXEC | (nonBlocking ? LibC.O_NONBLOCK : 0)) != 0)
            throw new SyscallException("pipe2", Marshal.GetLastPInvokeError());
        using var low0 = new SafeFileHandle(ends[0], ownsHandle: true);
        using var low1 = new SafeFileHandle(ends[1], ownsHandle: true);
        SafeFileHandle read = Duplicate(ends[0]);
        try
        {
            return (read, Duplicate(ends[1]));
        }
        catch (SyscallException)
        {
            read.Dispose(); // Half a pipe is of no use to anyone.
            throw;
        }
    }

    /// <summary>A descriptor of a process, readable once all its threads have ended (pidfd_open(2), Linux 5.3).</summary>
    /// <exception cref="SyscallException">ESRCH: no such process; ENOSYS: older kernel; EMFILE: no descriptor is left.</exception>
    internal static SafeFileHandle OpenProcess(int processId)
    {
        nint descriptor = LibC.syscall(LibC.SYS_pidfd_open, processId, 0, 0, 0, 0);
        if (descriptor < 0)
            throw new SyscallException($"pidfd_open {processId}", Marshal.GetLastPInvokeError());
        using var any = new SafeFileHandle(descriptor, ownsHandle: true);
        return Duplicate((int)descriptor);
    }
}
