namespace Uprobes.Processes;

/// <summary>What the layer above is told about tracees, on the tracer thread.</summary>
internal interface ITraceeObserver
{
    /// <summary>A signal is about to be delivered; the thread is stopped. Returns the signal to deliver, 0 for none.</summary>
    int OnSignal(TracedThread thread, int signal);

    /// <summary>A thread with <see cref="TracedThread.ReportsSystemCalls"/> enters or leaves a system call; it is stopped.</summary>
    void OnSystemCall(TracedThread thread);

    /// <summary>
    /// A thread has forked and is stopped in the fork: the child's memory is what its own is now. Both may change much before the
    /// child's first stop is served.
    /// </summary>
    /// <returns>What the observer wants to find in <see cref="ForkOrigin.EngineState"/>.</returns>
    object? OnForking(TracedThread parent, int childThreadId);

    /// <summary>Whether a task that waits in its first stop can be a child of a process that has ended without telling of it.</summary>
    bool IsCopy(ForkOrigin ended, int childThreadId);

    /// <summary>Of processes that have ended, the earliest first, that whose memory is likest to the one of a task that is a copy of none.</summary>
    ForkOrigin? FindLikeliest(IReadOnlyCollection<ForkOrigin> ended, int childThreadId);

    /// <summary>A tracee forked; the new process is at its first stop, before its first instruction.</summary>
    /// <returns>Whether to go on tracing it; otherwise it is detached.</returns>
    bool OnForked(TracedProcess child, ForkOrigin origin);

    /// <summary>A process is executing another program: what was known of its memory is void.</summary>
    void OnExecuting(TracedProcess process);

    /// <summary>The new program is in memory and stopped before its first instruction.</summary>
    /// <returns>Whether to go on tracing it; otherwise it is detached.</returns>
    bool OnExecuted(TracedProcess process);

    /// <summary>A new thread of a tracee is at its first stop, before its first instruction.</summary>
    void OnThreadStarted(TracedThread thread);

    /// <summary>A thread is gone.</summary>
    void OnThreadEnded(TracedThread thread);

    /// <summary>A process's last thread is gone, or the process was detached.</summary>
    void OnProcessEnded(TracedProcess process);

    /// <summary>A child of the tracer thread that is no tracee has ended, and its status has been collected.</summary>
    void OnOtherChildEnded(int processId);

    /// <summary>The tracer thread has met an error that it cannot go on after: the observer takes what is its own out of the tracees.</summary>
    void OnFailed();

    /// <summary>Something that the user should know.</summary>
    void OnNotice(string message, int processId);
}
