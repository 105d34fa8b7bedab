using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>
/// The traced processes of a session: serves their stops, stops and resumes them, follows forks and execs. Everything but
/// <see cref="Thread"/> is used on the tracer thread only.
/// </summary>
internal sealed partial class Tracer : IDisposable
{
    private readonly ITraceeObserver _observer;
    private readonly Dictionary<int, TracedThread> _threads = [];

    /// <summary>
    /// Threads that could not be let go of when that was wanted: they were about to exit, or did not stop in time. Their next report is waited for,
    /// since an exit that nobody waits for is kept from the process's parent.
    /// </summary>
    private readonly HashSet<int> _leftBehind = [];
    private readonly Dictionary<int, TracedProcess> _processes = [];

    /// <summary>Stops that were collected and wait for their turn.</summary>
    private readonly Dictionary<int, WaitStatus> _unserved = [];
    private readonly Queue<int> _order = [];
    private readonly TimeSpan _stopTimeout;
    private int _untilLook;
    private bool _ending;

    internal Tracer(ITraceeObserver observer, TimeSpan stopTimeout)
    {
        _observer = observer;
        _stopTimeout = stopTimeout;
        Thread = new TracerThread(Loop);
        Thread.Start();
    }

    /// <summary>The thread that owns the tracees; others reach this object through it.</summary>
    internal TracerThread Thread { get; }

    internal IReadOnlyCollection<TracedProcess> Processes => _processes.Values;

    /// <summary>How long a thread may take to stop.</summary>
    internal TimeSpan StopTimeout => _stopTimeout;

    /// <summary>What ended the tracer thread before its time, if anything did.</summary>
    internal Exception? Failure { get; private set; }

    internal bool TryGetProcess(int pid, out TracedProcess? process) => _processes.TryGetValue(pid, out process);

    /// <summary>Ends the loop; tracees must have been detached before.</summary>
    public void Dispose()
    {
        try
        {
            Thread.Invoke(() => _ending = true);
        }
        catch (ObjectDisposedException)
        {
            // The loop had ended already.
        }

        Thread.Dispose();
    }

    private void Loop()
    {
        try
        {
            while (!_ending)
            {
                Thread.RunWork();
                if (_ending)
                    break;
                if (_threads.Count == 0 && _orphans.Count == 0 && _leftBehind.Count == 0 && !_expectsUnborn)
                    Thread.WaitForWork();
                else
                    ServeTracees();
            }
        }
        catch (Exception e) // An unknown failure must not leave breakpoints behind: detach in order, then report it.
        {
            Failure = e;
            _observer.OnNotice($"the tracer thread failed and gives up its tracees: {e}", 0);
            try
            {
                _observer.OnFailed();
            }
            finally
            {
                DetachAll();
            }
        }
    }

    private void ServeTracees()
    {
        int tid = HasUnsettledOrphans ? WaitWithOrphans(out WaitStatus status) : Thread.WaitForTracee(-1, block: true, out status);
        if (tid == -Errno.ECHILD)
            DropAll();
        if (tid <= 0)
            return;
        if (_threads.Count <= 1)
        {
            Dispatch(tid, status);
            return;
        }

        // All that have stopped are collected before any is served: the kernel reports the first in its list again and
        // again otherwise, and the last would starve (traps T9).
        do
        {
            _unserved[tid] = status;
            _order.Enqueue(tid);
            if (status.Kind == WaitKind.SignalDelivery)
            {
                // It would be reported again, before the others: they are asked one by one, but not each time.
                LookAtOthers(tid);
                break;
            }
        }
        while ((tid = Thread.WaitForTracee(-1, block: false, out status)) > 0 && _order.Count < 4096);
        while (_order.TryDequeue(out int stopped))
        {
            // Serving one may have needed another's stop and have served it.
            if (_unserved.Remove(stopped, out WaitStatus stop))
                Dispatch(stopped, stop);
        }
    }

    private void LookAtOthers(int stopped)
    {
        if (--_untilLook > 0)
            return;
        _untilLook = Math.Max(4, _threads.Count / 4);
        foreach (TracedThread thread in _threads.Values)
        {
            if (thread.ThreadId == stopped || thread.State is TraceState.Stopped or TraceState.Gone || _unserved.ContainsKey(thread.ThreadId))
                continue;
            if (Thread.WaitForTracee(thread.ThreadId, block: false, out WaitStatus status) <= 0)
                continue;
            _unserved[thread.ThreadId] = status;
            _order.Enqueue(thread.ThreadId);
        }
    }

    private void Dispatch(int tid, WaitStatus status)
    {
        if (!_threads.TryGetValue(tid, out TracedThread? thread) && !TryTakeNumberOfLeader(tid, status, out thread))
        {
            if (status.Kind == WaitKind.SignalDelivery)
                Tasks.Collect(tid); // Nobody is going to continue it: it must not be reported for ever.
            if (_leftBehind.Remove(tid) && !status.IsEnd)
                _ = Ptrace.Detach(tid, status.Kind == WaitKind.SignalDelivery ? status.Signal : 0); // Stopped at last.
            else if (!status.IsEnd)
                OnUnannounced(tid, status);
            else if (!_orphans.Remove(tid) && !TryNoteUnattendedEnd(tid, status))
                _observer.OnOtherChildEnded(tid);
            return;
        }

        switch (status.Kind)
        {
            case WaitKind.Exited or WaitKind.Killed:
                OnEnd(thread, status);
                break;
            case WaitKind.SignalDelivery:
                OnSignal(thread, status.Signal);
                break;
            case WaitKind.Interrupted or WaitKind.GroupStop:
                OnStop(thread, status);
                break;
            case WaitKind.Event:
                OnEvent(thread, status.Event);
                break;
            case WaitKind.SystemCall:
                thread.State = TraceState.Stopped;
                _observer.OnSystemCall(thread);
                if (thread.State == TraceState.Stopped && !thread.IsHeld)
                    Continue(thread, 0);
                break;
            default:
                thread.State = TraceState.Stopped;
                Resume(thread);
                break;
        }
    }

    private void OnSignal(TracedThread thread, int signal)
    {
        thread.State = TraceState.Stopped;
        thread.InGroupStop = false;
        thread.InSignalStop = true;
        int deliver = _observer.OnSignal(thread, signal);
        if (thread.State == TraceState.Stopped && !thread.IsHeld)
            Continue(thread, deliver);
    }

    private void OnStop(TracedThread thread, WaitStatus status)
    {
        bool isFirst = thread.State == TraceState.AwaitingFirstStop;
        thread.State = TraceState.Stopped;
        thread.InGroupStop = status.Kind == WaitKind.GroupStop;
        thread.IsInterrupting = false;
        if (!isFirst && !thread.InGroupStop)
            RepairInterruptedCall(thread);
        if (isFirst && thread.Process.Origin is not null && !ServeFork(thread))
            return;
        if (isFirst && thread.ThreadId != thread.Process.ProcessId)
            _observer.OnThreadStarted(thread);
        if (!thread.IsHeld)
            Resume(thread);
    }

    private void OnEnd(TracedThread thread, WaitStatus status)
    {
        TracedProcess process = thread.Process;
        thread.State = TraceState.Gone;
        _threads.Remove(thread.ThreadId);
        process.Threads.Remove(thread.ThreadId);
        if (thread.ThreadId == process.ProcessId)
            NoteExit(process, status);
        _observer.OnThreadEnded(thread);
        if (process.Threads.Count > 0)
            return;
        RememberEnded(thread); // Before the end is told: the session goes on with a child that is found now.
        AwaitUnborn();
        EndProcess(process);
    }

    private void EndProcess(TracedProcess process)
    {
        _processes.Remove(process.ProcessId);
        _observer.OnProcessEnded(process);
        process.Enter(null);
    }

    /// <summary>The kernel says that there is nothing to wait for: whatever was known is gone.</summary>
    private void DropAll()
    {
        foreach (TracedThread thread in _threads.Values.ToArray())
        {
            thread.State = TraceState.Gone;
            _observer.OnThreadEnded(thread);
        }

        _threads.Clear();
        _leftBehind.Clear();
        _orphans.Clear();
        _ended.Clear();
        _expectsUnborn = false;
        foreach (TracedProcess process in _processes.Values.Where(p => !p.IsUnattended).ToArray())
        {
            process.Threads.Clear();
            EndProcess(process);
        }
    }
}
