namespace Uprobes.Processes.X64;

/// <summary>How a remote system call ended.</summary>
internal enum RemoteCallOutcome
{
    Success,

    /// <summary>The kernel returned an error: <see cref="RemoteCallResult.Error"/>.</summary>
    Failed,

    /// <summary>The thread or process ended.</summary>
    Gone,

    /// <summary>A seccomp filter stands in the way and may not be suspended.</summary>
    Forbidden,

    /// <summary>No place for the code was found in the process.</summary>
    NoRoom,
}

/// <summary>The result of a remote system call.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Value">What the call returned, on success.</param>
/// <param name="Error">A positive errno, on failure.</param>
internal readonly record struct RemoteCallResult(RemoteCallOutcome Outcome, ulong Value, int Error)
{
    internal static RemoteCallResult Gone => new(RemoteCallOutcome.Gone, 0, 0);

    internal static RemoteCallResult Forbidden => new(RemoteCallOutcome.Forbidden, 0, 0);

    internal static RemoteCallResult NoRoom => new(RemoteCallOutcome.NoRoom, 0, 0);

    internal bool IsSuccess => Outcome == RemoteCallOutcome.Success;

    internal static RemoteCallResult Success(ulong value) => new(RemoteCallOutcome.Success, value, 0);

    internal static RemoteCallResult Failed(int error) => new(RemoteCallOutcome.Failed, 0, error);
}
