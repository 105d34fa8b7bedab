using System.Diagnostics;
using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>
/// Tasks whose first stop arrives before the report of the thread that made them (traps T17), and forked processes for which
/// that report never comes, since the parent was killed in the middle of the fork: they wait in their first stop with a copy of
/// the parent's memory, breakpoints included. They are tracees from the fork on, and none may be left in that stop: it may come long after
/// the end of everything that the tracer knows of.
/// </summary>
internal sealed partial class Tracer
{
    /// <summary>How many ended processes are remembered: a child stops within moments of its parent's end.</summary>
    private const int MostRemembered = 32;

    /// <summary>How long the report of an orphan's parent is waited for before it is asked whether it is one.</summary>
    private static readonly TimeSpan OrphanPatience = TimeSpan.FromMilliseconds(20);

    /// <summary>First stops that were not announced yet.</summary>
    private readonly Dictionary<int, Orphan> _orphans = [];

    /// <summary>Processes that have ended, the latest last, as a child that they had forked would name them.</summary>
    private readonly LinkedList<ForkOrigin> _ended = [];

    /// <summary>Whether a process has ended since the kernel last said that there is nothing to wait for: it may have left a child that nobody knows.</summary>
    private bool _expectsUnborn;

    private bool HasUnsettledOrphans => _orphans.Count > 0 && _orphans.Values.Any(o => !o.IsSettled);

    private void OnUnannounced(int tid, WaitStatus status)
    {
        _orphans[tid] = new Orphan(status);
        AdoptOrphans();
    }

    /// <summary>A process ends: a child of its last moment may have to be taken in without its word.</summary>
    private void RememberEnded(TracedThread last)
    {
        _ended.AddLast(new ForkOrigin(last.Process, last.ThreadId, SharesMemory: false, _observer.OnForking(last, last.ThreadId)));
        if (_ended.Count > MostRemembered)
            _ended.RemoveFirst();
        _expectsUnborn = true;
        AdoptOrphans();
    }

    /// <summary>
    /// The last thread is gone, and yet the kernel knows of a tracee: a child of the last moment, which has not come to its first stop.
    /// The session would be complete without it. It is on its way there, and is waited for as long as any other stop.
    /// </summary>
    private void AwaitUnborn()
    {
        if (!IsUnborn())
            return;
        // It may be among the stops that were collected already: the kernel does not report those again.
        while (IsUnborn() && _order.TryDequeue(out int collected))
        {
            if (_unserved.Remove(collected, out WaitStatus stop))
                Dispatch(collected, stop);
        }

        long start = Stopwatch.GetTimestamp();
        using Timer alarm = new(static thread => ((TracerThread)thread!).Wake(), Thread, _stopTimeout, ZombieCheck);
        while (IsUnborn() && Stopwatch.GetElapsedTime(start) < _stopTimeout)
        {
            int tid = Tasks.Wait(-1, block: true, out WaitStatus status);
            if (tid > 0)
                Dispatch(tid, status);
        }

        bool IsUnborn() => _threads.Count == 0 && _orphans.Count == 0 && _leftBehind.Count == 0 && _processes.Count <= 1 && Tasks.HasTracees();
    }

    private void AdoptOrphans()
    {
        foreach ((int tid, Orphan orphan) in _orphans.ToArray())
        {
            if (TryReadOrphan(tid) is { } status && status.ProcessId == tid && !_processes.ContainsKey(status.ParentId) && FindOrigin(tid) is { } origin)
                Adopt(tid, orphan.FirstStop, origin);
        }
    }

    /// <summary>Reads an orphan's status. One that is gone, or that another traces by now, is forgotten.</summary>
    private ThreadStatus? TryReadOrphan(int tid)
    {
        ThreadStatus? status = ThreadStatus.TryRead(tid);
        if (status?.TracerId == Tasks.CurrentThreadId)
            return status;
        _orphans.Remove(tid); // A report of a thread that an execve has ended meanwhile.
        return null;
    }

    /// <summary>Waits for any report, or until an orphan has waited too long.</summary>
    private int WaitWithOrphans(out WaitStatus status)
    {
        if (_orphans.Values.Any(o => !o.IsSettled && Stopwatch.GetElapsedTime(o.Since) >= OrphanPatience))
        {
            // Where others always have something to report, no wait is ever interrupted.
            SettleOrphans();
            status = default;
            return -Errno.EINTR;
        }

        int tid = Thread.WaitForTracee(-1, block: false, out status);
        if (tid != 0)
            return tid;
        using Timer alarm = new(static thread => ((TracerThread)thread!).Wake(), Thread, OrphanPatience, OrphanPatience);
        tid = Thread.WaitForTracee(-1, block: true, out status);
        if (tid == -Errno.EINTR)
            SettleOrphans();
        return tid;
    }

    /// <summary>
    /// Takes in orphans whose parents have not told of them for long. A living parent tells as soon as it goes on, which nothing but its death
    /// can keep it from; so it is asked to stop, which it does behind its report. The process that /proc names as the parent may also
    /// be one that has inherited the child, and with CLONE_PARENT it is never the one that forked.
    /// </summary>
    private void SettleOrphans()
    {
        foreach ((int tid, Orphan orphan) in _orphans.ToArray())
        {
            if (orphan.IsSettled || Stopwatch.GetElapsedTime(orphan.Since) < OrphanPatience || !_orphans.ContainsKey(tid) || TryReadOrphan(tid) is not { } status)
                continue;
            orphan.IsSettled = true;
            if (status.ProcessId != tid)
                continue; // A thread: its creator is of its process, and ends with it if it does not tell.
            AwaitReports(_processes.TryGetValue(status.ParentId, out TracedProcess? parent) ? [parent] : [.. _processes.Values]);
            if (_orphans.ContainsKey(tid) && TryReadOrphan(tid) is not null)
                Adopt(tid, orphan.FirstStop, FindOrigin(tid) ?? FindLikeliest(tid));
        }
    }

    /// <summary>Has every thread tell of what it has forked.</summary>
    private void AwaitReports(TracedProcess[] processes)
    {
        foreach (TracedThread thread in processes.SelectMany(p => p.Threads.Values).ToArray())
        {
            // One that waits in its fork for the end of vfork(2) has told, and does not stop.
            if (thread.State == TraceState.Running && ThreadStatus.TryRead(thread.ThreadId) is { State: not 'D' } && TryStop(thread) && !thread.IsHeld)
                Resume(thread);
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

    /// <summary>
    /// None fits, which happens where another thread of the parent had mappings changed between the fork and the end; or the parent is forgotten
    /// already. What is likest tells best what is in the child's memory.
    /// </summary>
    private ForkOrigin FindLikeliest(int tid) =>
        _observer.FindLikeliest(_ended, tid) ?? new ForkOrigin(_ended.Last?.Value.Parent ?? _processes.Values.FirstOrDefault() ?? new TracedProcess(tid), tid, SharesMemory: false, EngineState: null);

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

    /// <summary>A task in a first stop that was not announced.</summary>
    private sealed class Orphan(WaitStatus firstStop)
    {
        internal WaitStatus FirstStop { get; } = firstStop;

        /// <summary>When it was reported; a time stamp of the stop watch.</summary>
        internal long Since { get; } = Stopwatch.GetTimestamp();

        /// <summary>Whether nothing more can be found out about it: it is a thread, and goes as its process goes.</summary>
        internal bool IsSettled { get; set; }
    }
}
