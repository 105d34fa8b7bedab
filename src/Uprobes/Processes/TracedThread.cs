namespace Uprobes.Processes;

/// <summary>What the tracer knows of a thread's state.</summary>
internal enum TraceState
{
    /// <summary>Created, but its first stop has not been reported yet.</summary>
    AwaitingFirstStop,
    Running,
    Stopped,

    /// <summary>Stopped by job control and left so (PTRACE_LISTEN).</summary>
    Listening,
    Gone,
}

/// <summary>One traced thread. Used on the tracer thread only.</summary>
internal sealed class TracedThread(int threadId, TracedProcess process)
{
    internal int ThreadId { get; } = threadId;

    internal TracedProcess Process { get; } = process;

    internal TraceState State { get; set; } = TraceState.Running;

    /// <summary>Whether the present stop is one of job control: resuming it means PTRACE_LISTEN.</summary>
    internal bool InGroupStop { get; set; }

    /// <summary>Whether the present stop is one before the delivery of a signal: if the tracer dies, the signal is delivered.</summary>
    internal bool InSignalStop { get; set; }

    /// <summary>Whether the thread is kept stopped until somebody resumes it explicitly.</summary>
    internal bool IsHeld { get; set; }

    /// <summary>Whether an interrupt was asked for whose stop has not been reported yet. Two would give two stops.</summary>
    internal bool IsInterrupting { get; set; }

    /// <summary>
    /// The thread pointer (FS base) of the thread that created this one, which runs on; null where it is not known, or that one is suspended
    /// (vfork).
    /// </summary>
    internal ulong? InheritedThreadPointer { get; init; }

    /// <summary>Whether it stops where it enters and leaves system calls; the observer sets it.</summary>
    internal bool ReportsSystemCalls { get; set; }

    /// <summary>What the engine keeps about the thread; opaque to this layer.</summary>
    internal object? EngineState { get; set; }
}
