namespace Uprobes.Registry;

/// <summary>What happens when somebody wants to change a file while it is probed.</summary>
/// <remarks>
/// Guarded are changes to the file itself: opening it for writing and truncating it, by whatever path. Replacing the file by
/// renaming another over its name, as package managers do, changes no byte of the probed file and goes on under every policy.
/// A writer that opened the file before it was probed is no longer stopped by anything: such a file is not guarded.
/// </remarks>
public enum WriteGuardPolicy
{
    /// <summary>
    /// The writer waits while the probes stand; one that does not want to wait (O_NONBLOCK) gets EWOULDBLOCK. The kernel lets
    /// a writer wait for <c>/proc/sys/fs/lease-break-time</c> at most (45 s unless changed): shortly before that the probes of the
    /// image are removed, and the user is told.
    /// </summary>
    Deny,

    /// <summary>The probes of the image are removed, the user is told, and then the writer goes on.</summary>
    DisarmAndAllow,

    /// <summary>No guard. The image's identity and bytes are compared at each arming, as everywhere.</summary>
    None,
}
