using Uprobes.Linux;

namespace Uprobes.Registry;

/// <summary>Whether a probed image is guarded against writers, and if not, why.</summary>
/// <param name="Obstacle">What is in the way; <see cref="WriteGuardObstacle.None"/> when the image is guarded.</param>
/// <param name="Message">One sentence for the user: the file, what holds, and what to do for more.</param>
public sealed record WriteGuardState(WriteGuardObstacle Obstacle, string Message)
{
    private const string Instead = "the file's identity and bytes are checked at each arming instead";

    /// <summary>Whether writers are kept out, or reported, while the probes stand.</summary>
    public bool IsGuarded => Obstacle == WriteGuardObstacle.None;

    internal static WriteGuardState Guarded(string path, WriteGuardPolicy policy) => new(
        WriteGuardObstacle.None,
        policy == WriteGuardPolicy.Deny
            ? $"{path}: writers wait while it is probed"
            : $"{path}: its probes are removed when somebody opens it for writing");

    internal static WriteGuardState NoPolicy(string path) => new(
        WriteGuardObstacle.PolicyNone, $"{path}: not guarded against writers, as asked; {Instead}");

    internal static WriteGuardState BeingBroken(string path) => new(
        WriteGuardObstacle.OpenForWriting, $"{path}: not guarded against writers, since one is being let in right now; {Instead}");

    internal static WriteGuardState Refused(string path, int error)
    {
        WriteGuardObstacle obstacle = WriteGuardObstacles.Of(error);
        string why = obstacle switch
        {
            WriteGuardObstacle.NotOwner =>
                "the file belongs to another user (run as its owner, or give this program CAP_LEASE, to have it guarded)",
            WriteGuardObstacle.OpenForWriting => "somebody has the file open for writing",
            WriteGuardObstacle.FileSystem => "its file system has no leases",
            _ => $"the system refused ({Errno.Name(error)}: {Errno.Describe(error)})",
        };
        return new WriteGuardState(obstacle, $"{path}: not guarded against writers, since {why}; {Instead}");
    }

    /// <summary>The state after the guard came to its end.</summary>
    internal static WriteGuardState After(WriteGuardBreak end) => new(WriteGuardObstacle.Broken, end.Message);
}
