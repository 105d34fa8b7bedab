using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

/// <summary>
/// Anonymous memory as a file (memfd_create(2)), whose size is fixed for ever by seals (fcntl(2), F_ADD_SEALS): whoever maps it
/// cannot be made to fault by another who shrinks it.
/// </summary>
internal static class SealedMemoryFile
{
    private const int SizeSeals = LibC.F_SEAL_SHRINK | LibC.F_SEAL_GROW | LibC.F_SEAL_SEAL;
    private const int AnySeal = SizeSeals | LibC.F_SEAL_WRITE | LibC.F_SEAL_FUTURE_WRITE;

    /// <summary>A new empty file that can be sealed; close-on-exec. The caller owns it.</summary>
    /// <param name="name">Shown in <c>/proc/PID/maps</c>; at most 249 bytes.</param>
    /// <exception cref="SyscallException">EMFILE, ENFILE: no descriptor is left; ENOSYS.</exception>
    internal static SafeFileHandle Create(string name)
    {
        int descriptor = LibC.memfd_create(name, LibC.MFD_CLOEXEC | LibC.MFD_ALLOW_SEALING);
        return descriptor < 0
            ? throw new SyscallException($"memfd_create {name}", Marshal.GetLastPInvokeError())
            : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Opens a file of this kind anew, with a position of its own.</summary>
    /// <param name="file">Open in whatever way; only lent.</param>
    /// <exception cref="SyscallException">The kernel refused.</exception>
    internal static SafeFileHandle Reopen(SafeFileHandle file)
    {
        bool borrowed = false;
        try
        {
            file.DangerousAddRef(ref borrowed);
            return Open($"/proc/self/fd/{file.DangerousGetHandle()}");
        }
        finally
        {
            if (borrowed)
                file.DangerousRelease();
        }
    }

    /// <summary>
    /// Opens a file of this kind that another process has, through <c>/proc/PID/fd/N</c>, for reading and writing. The owner is not
    /// trusted: what is there is looked at before it is opened, since to open a device or a FIFO can have effects.
    /// </summary>
    /// <exception cref="SyscallException">ENOENT: no such descriptor; EACCES: no right to trace the process.</exception>
    /// <exception cref="InvalidDataException">It is no regular file.</exception>
    internal static SafeFileHandle Open(string path)
    {
        using SafeFileHandle place = LibC.open(path, LibC.O_PATH | LibC.O_CLOEXEC, 0);
        if (place.IsInvalid)
            throw new SyscallException($"open {path}", Marshal.GetLastPInvokeError());
        if (!FileStatus.Of(place, path).IsRegular)
            throw new InvalidDataException($"{path} is not a memory file.");

        SafeFileHandle file = LibC.open($"/proc/self/fd/{place.DangerousGetHandle()}", LibC.O_RDWR | LibC.O_CLOEXEC, 0);
        if (!file.IsInvalid)
            return file;
        int error = Marshal.GetLastPInvokeError();
        file.Dispose();
        throw new SyscallException($"open {path}", error);
    }

    /// <summary>
    /// Gives a new, empty file its size and seals that. Only a fresh memory file is touched: through the descriptor of a hostile
    /// process this could be any file that we may write.
    /// </summary>
    /// <param name="file">Open for reading and writing; only lent.</param>
    /// <param name="length">Bytes, above 0.</param>
    /// <param name="displayPath">What to call the file in an error.</param>
    /// <exception cref="SyscallException">The kernel refused (ENOMEM, EFBIG, EPERM).</exception>
    /// <exception cref="InvalidDataException">The file is not a memory file, not fresh, or its owner interfered.</exception>
    internal static void SetSize(SafeFileHandle file, long length, string displayPath)
    {
        // Only memory files have seals, and files of a tmpfs have F_SEAL_SEAL from their birth.
        int seals = LibC.fcntl(file, LibC.F_GET_SEALS, 0);
        ulong before = FileStatus.Of(file, displayPath).Length;
        if (seals < 0 || (seals & AnySeal) != 0 || before != 0)
            throw new InvalidDataException($"{displayPath} is not a new memory file (seals {seals}, {before} bytes).");

        if (LibC.ftruncate(file, length) != 0)
            throw new SyscallException($"ftruncate {displayPath} to {length} bytes", Marshal.GetLastPInvokeError());
        if (LibC.fcntl(file, LibC.F_ADD_SEALS, SizeSeals) != 0)
            throw new SyscallException($"seal {displayPath}", Marshal.GetLastPInvokeError());
        if (!IsSealed(file, length, displayPath))
            throw new InvalidDataException($"{displayPath} changed while it was sealed.");
    }

    /// <summary>
    /// The next part of the file that has memory, at or behind an offset (lseek(2), SEEK_DATA); what lies between is zeros, and
    /// reading it through a mapping would give it memory. Moves the open file's position, which nobody uses.
    /// </summary>
    /// <returns>Its first byte and the first behind it; two times <paramref name="end"/> where there is none before that.</returns>
    internal static (long Start, long End) NextData(SafeFileHandle file, long offset, long end)
    {
        long start = LibC.lseek(file, offset, LibC.SEEK_DATA);
        if (start < 0 && Marshal.GetLastPInvokeError() != Errno.ENXIO)
            return (offset, end); // Whoever cannot be told reads all of it.
        if (start < 0 || start >= end)
            return (end, end);
        long hole = LibC.lseek(file, start, LibC.SEEK_HOLE);
        return (start, hole <= start || hole > end ? end : hole);
    }

    /// <summary>Whether the file has this size, can be written, and keeps both for ever.</summary>
    internal static bool IsSealed(SafeFileHandle file, long length, string displayPath) =>
        LibC.fcntl(file, LibC.F_GET_SEALS, 0) is var seals && seals >= 0 && (seals & AnySeal) == SizeSeals
        && FileStatus.Of(file, displayPath).Length == (ulong)length;
}
