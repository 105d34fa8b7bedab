namespace Uprobes.Processes;

/// <summary>Why a process cannot be traced: each cause that ptrace(2) hides behind EPERM or ESRCH has its own value.</summary>
public enum AttachFailure
{
    /// <summary>There is no such process.</summary>
    NoSuchProcess,

    /// <summary>It has ended and waits for its parent.</summary>
    Zombie,

    /// <summary>It is this process itself.</summary>
    Self,

    /// <summary>It is a kernel thread.</summary>
    KernelThread,

    /// <summary>Another process traces it already.</summary>
    AlreadyTraced,

    /// <summary>It runs as another user.</summary>
    OtherUser,

    /// <summary>It is not dumpable (it changed its ids, or asked for it with prctl(2)).</summary>
    NotDumpable,

    /// <summary>The Yama security module forbids it.</summary>
    Yama,

    /// <summary>It is a 32-bit process.</summary>
    ThirtyTwoBit,

    /// <summary>Its seccomp filter forbids the system calls that probing needs.</summary>
    Seccomp,

    /// <summary>The kernel refused for a reason that could not be found out.</summary>
    Refused,
}

/// <summary>A process cannot be traced. Nothing was changed in it.</summary>
public sealed class AttachException : Exception
{
    /// <summary>Creates the exception.</summary>
    public AttachException(int processId, AttachFailure reason, string message, string hint)
        : base($"cannot attach to process {processId}: {message}")
    {
        ProcessId = processId;
        Reason = reason;
        Hint = hint;
    }

    /// <summary>The process.</summary>
    public int ProcessId { get; }

    /// <summary>Which error it was.</summary>
    public AttachFailure Reason { get; }

    /// <summary>What the user can do about it, as a sentence; empty when nothing.</summary>
    public string Hint { get; }
}
