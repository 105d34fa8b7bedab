namespace Uprobes.Processes;

/// <summary>One traced process (thread group). Used on the tracer thread only.</summary>
internal sealed class TracedProcess(int processId)
{
    private AddressSpace? _space;

    /// <summary>The thread group id in the tracer's pid namespace.</summary>
    internal int ProcessId { get; } = processId;

    internal Dictionary<int, TracedThread> Threads { get; } = [];

    /// <summary>The memory that its threads see; shared with the parent between vfork and exec.</summary>
    internal AddressSpace Space => _space ?? throw new InvalidOperationException($"process {ProcessId} has no address space yet");

    internal bool HasSpace => _space is not null;

    /// <summary>Whether the process is still in an address space, and has not ended or executed another program.</summary>
    internal bool RunsIn(AddressSpace space) => ReferenceEquals(_space, space);

    /// <summary>Whether it runs in its parent's memory, from vfork to exec.</summary>
    internal bool BorrowsSpace { get; set; }

    /// <summary>What the engine keeps about the process; opaque to this layer.</summary>
    internal object? EngineState { get; set; }

    /// <summary>Set for a process that was forked by a tracee and whose first stop has not been served yet.</summary>
    internal ForkOrigin? Origin { get; set; }

    /// <summary>Whether the process is to be kept stopped once it has executed its program.</summary>
    internal bool HoldAtExec { get; set; }

    /// <summary>Whether the tracer has let go of it for the time being: it has no <see cref="Threads"/> then.</summary>
    internal bool IsUnattended { get; set; }

    /// <summary>Whether it was launched and its program's own code has not begun yet, as far as is known.</summary>
    internal bool IsStarting { get; set; }

    /// <summary>Whether its probes are wanted. A vfork child that is not followed is still served until it executes.</summary>
    internal bool IsFollowed { get; set; } = true;

    /// <summary>Exit status by the rule of shells: the code, or 128 + signal. Null while it lives.</summary>
    internal int? ExitStatus { get; set; }

    /// <summary>Gives the process another address space and lets go of the former one.</summary>
    internal void Enter(AddressSpace? space)
    {
        space?.AddUser();
        _space?.RemoveUser();
        _space = space;
    }

    /// <summary>
    /// The thread by which the process's files under /proc are reached: one that is stopped and so stays, else the leader, which
    /// stays as long as the process, else (where the leader has exited before the others: traps P9) any. Null when there is none.
    /// </summary>
    internal TracedThread? LiveThread()
    {
        TracedThread? leader = null, other = null;
        foreach (TracedThread thread in Threads.Values)
        {
            if (thread.State == TraceState.Stopped)
                return thread;
            if (thread.ThreadId == ProcessId)
                leader = thread;
            else
                other = thread;
        }

        return leader is not null && (other is null || ThreadStatus.TryRead(ProcessId) is { State: not ('Z' or 'X') }) ? leader : other;
    }

    /// <summary>The mappings, and a thread that had them; empty when the process is gone.</summary>
    internal List<Mapping> ReadMappings(out int threadId)
    {
        threadId = LiveThread()?.ThreadId ?? ProcessId;
        List<Mapping> mappings = MappingParser.ReadProcess(threadId);
        if (mappings.Count > 0)
            return mappings;
        // That thread has ended just now.
        foreach (int other in IsUnattended ? Tracer.ListThreads(ProcessId) : [.. Threads.Keys])
        {
            threadId = other;
            mappings = MappingParser.ReadProcess(other);
            if (mappings.Count > 0)
                break;
        }

        return mappings;
    }
}

/// <summary>Where a forked process comes from.</summary>
/// <param name="Parent">The process that forked.</param>
/// <param name="ParentThreadId">The thread that forked.</param>
/// <param name="SharesMemory">Whether it runs in its parent's memory (vfork, posix_spawn) rather than in a copy.</param>
/// <param name="EngineState">What the engine noted about the parent's memory when it was copied; opaque to this layer.</param>
internal sealed record ForkOrigin(TracedProcess Parent, int ParentThreadId, bool SharesMemory, object? EngineState);
