using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

/// <summary>How a lease stands.</summary>
internal enum FileLeaseState
{
    /// <summary>Nobody wants to write.</summary>
    Active,

    /// <summary>Somebody wanted to write since the lease was taken; the kernel ends it after its lease-break-time.</summary>
    Breaking,

    /// <summary>There is none: it was released, or the kernel ended it.</summary>
    Gone,
}

/// <summary>
/// A read lease (fcntl(2), F_SETLEASE) on a file: whoever opens the file for writing or truncates it waits, and the
/// kernel signals one thread of ours. A rename over the file's name is no change of the file and is not seen.
/// Not thread-safe.
/// </summary>
/// <remarks>
/// The order of calls matters. Without an owner and a signal, F_SETLEASE makes the whole process the receiver of SIGIO, whose
/// default action ends it; with them it keeps them. F_UNLCK resets both (fs/locks.c, <c>lease_modify</c>), so they are set anew
/// before each F_SETLEASE. F_SETLEASE on a lease that breaks is never used to ask whether writers wait, although its
/// EAGAIN would tell: where the kernel ends the lease inside that call, a new one with SIGIO to the process comes of it.
/// </remarks>
internal sealed class FileLease : IDisposable
{
    private readonly SafeFileHandle file;
    private readonly int thread;

    private FileLease(SafeFileHandle file, int thread)
    {
        this.file = file;
        this.thread = thread;
    }

    /// <summary>The descriptor that holds the lease.</summary>
    internal SafeFileHandle Descriptor => file;

    /// <summary>
    /// Takes a read lease on the file behind <paramref name="source"/>, on a descriptor of its own, so that neither the
    /// caller's descriptor nor its copies matter to the lease.
    /// </summary>
    /// <param name="source">The file, open in whatever way; only lent.</param>
    /// <param name="thread">The thread to signal with <see cref="SignalMailbox.Signal"/>; it has that signal blocked.</param>
    /// <param name="error">
    /// Where null is given, the errno value: EAGAIN (open for writing), EACCES or EPERM (not the owner and no CAP_LEASE, or not
    /// readable), EINVAL (no leases on such a file), or another one.
    /// </param>
    internal static FileLease? TryTake(SafeFileHandle source, int thread, out int error)
    {
        bool borrowed = false;
        try
        {
            source.DangerousAddRef(ref borrowed);
            SafeFileHandle file = LibC.open(
                $"/proc/self/fd/{source.DangerousGetHandle()}", LibC.O_RDONLY | LibC.O_NONBLOCK | LibC.O_CLOEXEC, 0);
            error = file.IsInvalid ? Marshal.GetLastPInvokeError() : 0;
            var lease = new FileLease(file, thread);
            if (error == 0 && lease.TryTake(out error))
            {
                return lease;
            }

            file.Dispose();
            return null;
        }
        finally
        {
            if (borrowed)
            {
                source.DangerousRelease();
            }
        }
    }

    /// <summary>Takes the lease again after <see cref="Release"/>.</summary>
    internal bool TryTake(out int error)
    {
        var owner = new LibC.FileOwner { Type = LibC.F_OWNER_TID, Id = thread };
        bool taken = LibC.fcntl(file, LibC.F_SETOWN_EX, ref owner) == 0
            && LibC.fcntl(file, LibC.F_SETSIG, SignalMailbox.Signal) == 0
            && LibC.fcntl(file, LibC.F_SETLEASE, LibC.F_RDLCK) == 0;
        error = taken ? 0 : Marshal.GetLastPInvokeError();
        return taken;
    }

    /// <summary>How the lease stands now.</summary>
    internal FileLeaseState Read()
    {
        // F_GETLEASE also makes the kernel end a lease whose time is over. It gives F_UNLCK for one that breaks and
        // for one that is gone; the descriptor's page in /proc tells them apart.
        if (LibC.fcntl(file, LibC.F_GETLEASE, 0) == LibC.F_RDLCK)
        {
            return FileLeaseState.Active;
        }

        return Describe() is null ? FileLeaseState.Gone : FileLeaseState.Breaking;
    }

    /// <summary>The file as the kernel's list of locks names it; null when the lease is gone.</summary>
    internal string? TableKey() => Describe() is [_, _, _, _, _, _, string key, ..] ? key : null;

    /// <summary>Length and time of last modification: differ after a write that went unnoticed between two leases.</summary>
    internal (long Length, DateTime Modified) Stamp() => (RandomAccess.GetLength(file), File.GetLastWriteTimeUtc(file));

    /// <summary>Gives the lease up: writers that wait go on at once. Does nothing when there is none.</summary>
    /// <remarks>The result is of no use: EAGAIN says that the kernel ended the lease before, and no other error is possible.</remarks>
    internal void Release() => LibC.fcntl(file, LibC.F_SETLEASE, LibC.F_UNLCK);

    /// <summary>
    /// Gives the lease up and closes its descriptor. Closing alone would not do: a process that the host is just
    /// starting holds a copy of the descriptor until its exec.
    /// </summary>
    public void Dispose()
    {
        if (!file.IsClosed)
        {
            Release();
            file.Dispose();
        }
    }

    // The words of "lock: 1: LEASE BREAKING UNLCK PID MAJOR:MINOR:INODE 0 EOF" in /proc/self/fdinfo/N (proc(5)).
    private string[]? Describe()
    {
        foreach (string line in File.ReadLines($"/proc/self/fdinfo/{file.DangerousGetHandle()}"))
        {
            string[] words = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words is ["lock:", _, "LEASE", ..])
            {
                return words;
            }
        }

        return null;
    }
}
