using Uprobes.Linux;

namespace Uprobes.Registry;

/// <summary>Why an image is not guarded against writers.</summary>
public enum WriteGuardObstacle
{
    /// <summary>Nothing is in the way: it is guarded.</summary>
    None,

    /// <summary>The file belongs to another user and this process lacks CAP_LEASE, or may not read the file.</summary>
    NotOwner,

    /// <summary>The file system, or the kind of file, has no leases.</summary>
    FileSystem,

    /// <summary>Somebody has the file open for writing, or maps it writable and shared, or is being let in right now.</summary>
    OpenForWriting,

    /// <summary>The policy is <see cref="WriteGuardPolicy.None"/>.</summary>
    PolicyNone,

    /// <summary>The guard stood and was ended by a writer; see <see cref="WriteGuardBreak"/>.</summary>
    Broken,

    /// <summary>The system had no descriptor, memory or other resource left for a guard.</summary>
    NoResources,
}

/// <summary>Names the obstacle behind an error of fcntl(2) or open(2).</summary>
internal static class WriteGuardObstacles
{
    internal static WriteGuardObstacle Of(int error) => error switch
    {
        Errno.EACCES or Errno.EPERM => WriteGuardObstacle.NotOwner,
        Errno.EAGAIN => WriteGuardObstacle.OpenForWriting,
        Errno.EINVAL or Errno.EOPNOTSUPP or Errno.ENOTSUPP or Errno.ENOSYS or Errno.ENXIO or Errno.ENODEV => WriteGuardObstacle.FileSystem,
        _ => WriteGuardObstacle.NoResources,
    };
}
