using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

/// <summary>What stat(2) says of a file: the part that identifies it and tells whether it can be read as an image.</summary>
/// <param name="Device">st_dev.</param>
/// <param name="Inode">st_ino.</param>
/// <param name="Mode">st_mode: file type and permission bits.</param>
/// <param name="Length">st_size in bytes.</param>
/// <param name="Modified">st_mtim: when its contents were last changed; seconds and nanoseconds since 1970.</param>
internal readonly record struct FileStatus(ulong Device, ulong Inode, uint Mode, ulong Length, (long Seconds, long Nanoseconds) Modified)
{
    /// <summary>st_uid: whose file it is.</summary>
    public uint UserId { get; private init; }

    private const uint TypeMask = 0xF000, RegularFile = 0x8000, Directory = 0x4000, AnyExecute = 0x49;

    /// <summary>S_ISREG.</summary>
    public bool IsRegular => (Mode & TypeMask) == RegularFile;

    /// <summary>S_ISDIR.</summary>
    public bool IsDirectory => (Mode & TypeMask) == Directory;

    /// <summary>A regular file that somebody may execute.</summary>
    public bool IsProgram => IsRegular && (Mode & AnyExecute) != 0;

    /// <summary>fstat(2).</summary>
    /// <param name="handle">An open file; only lent.</param>
    /// <param name="displayPath">What to call the file in an error.</param>
    /// <exception cref="SyscallException">The handle is not one of an open file.</exception>
    public static FileStatus Of(SafeFileHandle handle, string displayPath)
    {
        if (LibC.StatHandle(handle, out LibC.StatBuffer status) != 0)
            throw new SyscallException($"fstat {displayPath}", Marshal.GetLastPInvokeError());
        return From(status);
    }

    /// <summary>stat(2), following symbolic links.</summary>
    /// <param name="path">An absolute or relative path.</param>
    /// <param name="status">The status where the call succeeded.</param>
    /// <param name="error">0, or the errno value of the refusal.</param>
    /// <returns>Whether the file could be looked at.</returns>
    public static bool TryOf(string path, out FileStatus status, out int error)
    {
        if (LibC.StatPath(path, out LibC.StatBuffer buffer) != 0)
        {
            status = default;
            error = Marshal.GetLastPInvokeError();
            return false;
        }
        status = From(buffer);
        error = 0;
        return true;
    }

    private static FileStatus From(in LibC.StatBuffer status) =>
        new(status.Device, status.Inode, status.Mode, (ulong)Math.Max(0, status.Size), (status.ModifiedSeconds, status.ModifiedNanoseconds)) { UserId = status.UserId };
}
