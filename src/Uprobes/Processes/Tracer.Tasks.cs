using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>Following: new threads, forks, vforks and execs.</summary>
internal sealed partial class Tracer
{
    private void OnEvent(TracedThread thread, PtraceEvent what)
    {
        thread.State = TraceState.Stopped;
        thread.InGroupStop = false;
        TracedThread? born = null;
        switch (what)
        {
            case PtraceEvent.Fork or PtraceEvent.Vfork or PtraceEvent.Clone:
                born = OnNewTask(thread, what);
                break;
            case PtraceEvent.Exec:
                OnExec(thread);
                return;
        }

        if (thread.State == TraceState.Stopped && !thread.IsHeld)
            Continue(thread, 0);
        // Not before: as long as the creator is in the middle of its system call, no other can be made in it.
        if (born is not null && _orphans.Remove(born.ThreadId, out Orphan? orphan))
            Dispatch(born.ThreadId, orphan.FirstStop);
    }

    private TracedThread? OnNewTask(TracedThread parent, PtraceEvent what)
    {
        if (Ptrace.GetEventMessage(parent.ThreadId, out ulong message) != 0)
            return null; // The parent was killed meanwhile. Its child is taken in when the parent's end is reported.
        int tid = (int)message;
        if (_threads.ContainsKey(tid))
            return null; // Taken in already.
        bool isThread = what == PtraceEvent.Clone && ThreadStatus.TryRead(tid)?.ProcessId is { } group && group != tid;
        TracedProcess process = isThread ? parent.Process : new TracedProcess(tid) { IsFollowed = parent.Process.IsFollowed };
        if (!isThread)
        {
            bool shares = Tasks.ShareMemory(parent.ThreadId, tid) ?? what == PtraceEvent.Vfork;
            process.Origin = new ForkOrigin(parent.Process, parent.ThreadId, shares, shares ? null : _observer.OnForking(parent, tid));
            process.BorrowsSpace = shares;
            if (shares)
                process.Enter(parent.Process.Space);
            _processes.Add(tid, process);
        }

        TracedThread thread = new(tid, process)
        {
            State = TraceState.AwaitingFirstStop,
            InheritedThreadPointer = what != PtraceEvent.Vfork && Ptrace.GetRegisters(parent.ThreadId, out UserRegisters registers) == 0 ? registers.FsBase : null,
        };
        process.Threads.Add(tid, thread);
        _threads.Add(tid, thread);
        return thread;
    }

    /// <summary>Serves the first stops of all children that the threads of a process, which are stopped, have forked.</summary>
    internal void AwaitChildren(TracedProcess parent)
    {
        foreach (TracedProcess child in _processes.Values.Where(p => p.Origin?.Parent == parent).ToArray())
        {
            foreach (TracedThread thread in child.Threads.Values.ToArray())
            {
                if (thread.State == TraceState.AwaitingFirstStop && TryStop(thread) && !thread.IsHeld)
                    Resume(thread);
            }
        }
    }

    /// <summary>Serves a forked process at its first stop. False when it was detached or is gone.</summary>
    private bool ServeFork(TracedThread thread)
    {
        TracedProcess process = thread.Process;
        ForkOrigin origin = process.Origin!;
        process.Origin = null;
        if (!process.HasSpace && !TryEnterOwnSpace(process, thread))
            return false;
        if (_observer.OnForked(process, origin))
            return thread.State != TraceState.Gone;
        Detach(process);
        return false;
    }

    /// <summary>
    /// A leader that had exited when its process was taken in is no tracee. Another thread that executes takes its number and
    /// reports under it: from then on it is the leader (traps P9, T15).
    /// </summary>
    private bool TryTakeNumberOfLeader(int tid, WaitStatus status, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TracedThread? leader)
    {
        leader = null;
        if (status is not { Kind: WaitKind.Event, Event: PtraceEvent.Exec } || !_processes.TryGetValue(tid, out TracedProcess? process))
            return false;
        leader = new TracedThread(tid, process);
        process.Threads.Add(tid, leader);
        _threads.Add(tid, leader);
        return true;
    }

    private void OnExec(TracedThread leader)
    {
        TracedProcess process = leader.Process;
        // The thread that called execve has taken the leader's number, and nothing is reported of its own; the others have
        // reported their ends, since execve waits until those are collected (ptrace(2), "execve(2) under ptrace"; traps T15).
        foreach (TracedThread other in process.Threads.Values.Where(t => t != leader).ToArray())
        {
            other.State = TraceState.Gone;
            process.Threads.Remove(other.ThreadId);
            _threads.Remove(other.ThreadId);
            _observer.OnThreadEnded(other);
        }

        _observer.OnExecuting(process);
        process.BorrowsSpace = false;
        leader.EngineState = null;
        leader.ReportsSystemCalls = false;
        leader.IsInterrupting = false; // What was asked of the former thread of this number went with it.
        if (!TryEnterOwnSpace(process, leader))
            return;

        // At this stop the system call has not returned, and its result would overwrite registers that a remote call sets.
        // An interrupt stops the thread again when it has, before the program's first instruction.
        Interrupt(leader);
        Continue(leader, 0);
        if (!TryStop(leader))
            return;
        bool goesOn = _observer.OnExecuted(process);
        if (leader.State == TraceState.Gone)
            return;
        if (!goesOn)
            Detach(process);
        else if (process.HoldAtExec)
            leader.IsHeld = true;
        else
            Resume(leader);
    }

    private bool TryEnterOwnSpace(TracedProcess process, TracedThread thread)
    {
        try
        {
            process.Enter(new AddressSpace(thread.ThreadId));
            return true;
        }
        catch (SyscallException e)
        {
            // Executing a set-user-id program, or one that may not be read, takes its memory out of reach.
            bool exists = ThreadStatus.TryRead(thread.ThreadId) is { State: not ('Z' or 'X') };
            if (exists)
                _observer.OnNotice($"process {process.ProcessId} is out of reach now and runs without probes: {e.Message}", process.ProcessId);
            process.Enter(null);
            Release(thread);
            EndProcess(process);
            return false;
        }
    }
}
