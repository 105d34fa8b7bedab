using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

/// <summary>
/// <c>/proc/PID/mem</c>: another process's memory as a file (proc(5)). The kernel checks the right to trace when it is opened;
/// the open file stays bound to that memory even when the process number is used again. Writes reach read-only private
/// pages, which become copies. Any thread may use it. Once closed it is as the memory of a process that is gone.
/// </summary>
internal sealed unsafe class MemoryFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    private MemoryFile(SafeFileHandle handle) => _handle = handle;

    internal int Descriptor => (int)_handle.DangerousGetHandle();

    /// <summary>Opens the memory of the process that a live thread belongs to.</summary>
    /// <param name="tid">A live thread: a leader that has exited shows nothing (traps P9).</param>
    internal static MemoryFile Open(int tid)
    {
        string path = $"/proc/{tid}/mem";
        SafeFileHandle handle = LibC.open(path, LibC.O_RDWR | LibC.O_CLOEXEC, 0);
        return handle.IsInvalid
            ? throw new SyscallException($"open {path}", Marshal.GetLastPInvokeError())
            : new MemoryFile(handle);
    }

    /// <summary>
    /// Whether the memory is gone: its processes have ended or executed other programs, whatever has been reported of that.
    /// The kernel then reads nothing, while it fails with EIO where nothing is mapped (fs/proc/base.c, mem_rw).
    /// </summary>
    internal bool IsGone
    {
        get
        {
            byte first;
            return _handle.IsClosed || LibC.pread(_handle, &first, 1, 0) == 0;
        }
    }

    /// <summary>Returns the bytes read: fewer than asked for where a page cannot be read, 0 where the first cannot or the process is gone.</summary>
    internal int Read(ulong address, Span<byte> destination)
    {
        int done = 0;
        fixed (byte* pointer = destination)
        {
            while (done < destination.Length && !_handle.IsClosed)
            {
                nint count = LibC.pread(_handle, pointer + done, (nuint)(destination.Length - done), (long)(address + (ulong)done));
                if (count <= 0)
                    break;
                done += (int)count;
            }
        }

        return done;
    }

    /// <summary>Returns the bytes written. <paramref name="error"/> is errno where fewer than asked for were, 0 for a process that is gone.</summary>
    internal int Write(ulong address, ReadOnlySpan<byte> source, out int error)
    {
        int done = 0;
        error = 0;
        fixed (byte* pointer = source)
        {
            while (done < source.Length && !_handle.IsClosed)
            {
                nint count = LibC.pwrite(_handle, pointer + done, (nuint)(source.Length - done), (long)(address + (ulong)done));
                if (count <= 0)
                {
                    error = count < 0 ? Marshal.GetLastPInvokeError() : 0;
                    break;
                }

                done += (int)count;
            }
        }

        return done;
    }

    public void Dispose() => _handle.Dispose();
}
