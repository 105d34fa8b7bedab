namespace Uprobes.Linux;

/// <summary>The error numbers that this library decides on, and their symbolic names (errno(3), x86-64).</summary>
public static class Errno
{
#pragma warning disable CS1591 // Each is the constant of that name in errno(3).
    public const int EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EIO = 5, ENXIO = 6, ENOEXEC = 8, EBADF = 9, ECHILD = 10,
        EAGAIN = 11, ENOMEM = 12, EACCES = 13, EFAULT = 14, EBUSY = 16, EEXIST = 17, ENODEV = 19, ENOTDIR = 20, EISDIR = 21,
        EINVAL = 22, ENFILE = 23, EMFILE = 24, ETXTBSY = 26, EFBIG = 27, ENOSPC = 28, EROFS = 30, ENOSYS = 38, ELOOP = 40,
        EOPNOTSUPP = 95, ETIMEDOUT = 110, ENOTSUPP = 524;
#pragma warning restore CS1591

    private static readonly Dictionary<int, string> Names = new()
    {
        [EPERM] = nameof(EPERM), [ETIMEDOUT] = nameof(ETIMEDOUT), [ENOENT] = nameof(ENOENT), [ESRCH] = nameof(ESRCH), [EINTR] = nameof(EINTR), [EIO] = nameof(EIO),
        [ENXIO] = nameof(ENXIO), [ENOEXEC] = nameof(ENOEXEC), [EBADF] = nameof(EBADF), [ECHILD] = nameof(ECHILD),
        [EAGAIN] = nameof(EAGAIN), [ENOMEM] = nameof(ENOMEM), [EACCES] = nameof(EACCES), [EFAULT] = nameof(EFAULT),
        [EBUSY] = nameof(EBUSY), [EEXIST] = nameof(EEXIST), [ENODEV] = nameof(ENODEV), [ENOTDIR] = nameof(ENOTDIR),
        [EISDIR] = nameof(EISDIR), [EINVAL] = nameof(EINVAL), [ENFILE] = nameof(ENFILE), [EMFILE] = nameof(EMFILE),
        [ETXTBSY] = nameof(ETXTBSY), [EFBIG] = nameof(EFBIG), [ENOSPC] = nameof(ENOSPC), [EROFS] = nameof(EROFS),
        [ENOSYS] = nameof(ENOSYS), [ELOOP] = nameof(ELOOP), [EOPNOTSUPP] = nameof(EOPNOTSUPP), [ENOTSUPP] = nameof(ENOTSUPP),
    };

    /// <summary>The symbolic name, or <c>errno N</c> for a number that this library never decides on.</summary>
    public static string Name(int error) => Names.TryGetValue(error, out string? name) ? name : $"errno {error}";

    /// <summary>The C library's sentence for the error (strerror(3)).</summary>
    public static string Describe(int error) => System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(error);
}
