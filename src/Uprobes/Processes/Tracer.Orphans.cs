using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>
/// Tasks whose first stop arrives before the report of the thread that made them (traps T17), and forked processes for which
/// that report never comes, since the parent was killed in the middle of the fork: they wait in their first stop with a copy of
/// the parent's memory, breakpoints included.
/// </summary>
internal sealed partial class Tracer
{
    /// <summary>How many ended processes are remembered: a child stops within moments of its parent's end.</summary>
    private const int MostRemembered = 32;

    /// <summary>First stops that were not announced yet.</summary>
    private readonly Dictionary<int, WaitStatus> _orphans = [];

    /// <summary>Processes that have ended, the latest last, as a child that they had forked would name them.</summary>
    private readonly LinkedList<ForkOrigin> _ended = [];

    private void OnUnannounced(int tid, WaitStatus status)
    {
        _orphans[tid] = status;
        AdoptOrphans();
    }

    /// <summary>A process ends: a child of its last moment may have to be taken in without its word.</summary>
    private void RememberEnded(TracedThread last)
    {
        _ended.AddLast(new ForkOrigin(last.Process, last.ThreadId, SharesMemory: false, _observer.OnForking(last, last.ThreadId)));
        if (_ended.Count > MostRemembered)
            _ended.RemoveFirst();
        AdoptOrphans();
    }

    private void AdoptOrphans()
    {
        foreach ((int tid, WaitStatus first) in _orphans.ToArray())
        {
            ThreadStatus? status = ThreadStatus.TryRead(tid);
            if (status is null)
                _orphans.Remove(tid); // A report of a thread that an execve has ended meanwhile.
            else if (status.ProcessId == tid && !_processes.ContainsKey(status.ParentId) && FindOrigin(tid) is { } origin)
                Adopt(tid, first, origin);
        }
    }

    /// <summary>The latest that fits; one in which something was armed before one of which nothing is known.</summary>
    private ForkOrigin? FindOrigin(int tid)
    {
        ForkOrigin? found = null;
        for (LinkedListNode<ForkOrigin>? node = _ended.Last; node is not null; node = node.Previous)
        {
            if ((found is not null && node.Value.EngineState is null) || !_observer.IsCopy(node.Value, tid))
                continue;
            found = node.Value;
            if (found.EngineState is not null)
                break;
        }

        return found;
    }

    private void Adopt(int tid, WaitStatus first, ForkOrigin origin)
    {
        _orphans.Remove(tid);
        TracedProcess process = new(tid) { IsFollowed = origin.Parent.IsFollowed, Origin = origin };
        TracedThread thread = new(tid, process) { State = TraceState.AwaitingFirstStop };
        process.Threads.Add(tid, thread);
        _processes.Add(tid, process);
        _threads.Add(tid, thread);
        Dispatch(tid, first);
    }
}
