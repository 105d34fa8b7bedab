using System.Diagnostics;
using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>Stopping, resuming and letting go of threads.</summary>
internal sealed partial class Tracer
{
    private const int EpollWait = 232, EpollPwait = 281, EpollPwait2 = 441, SigTimedWait = 128, SemOp = 65, SemTimedOp = 220,
        IoGetEvents = 208, IoPgetEvents = 333;
    private static readonly TimeSpan ZombieCheck = TimeSpan.FromMilliseconds(20), Patience = TimeSpan.FromMicroseconds(50);
    private int _stopping;

    /// <summary>
    /// Whether the reports that come in now are served on the way to a stop that somebody asked for. That somebody is in the
    /// middle of something, which no handler may be called in.
    /// </summary>
    internal bool IsStopping => _stopping > 0;

    /// <summary>
    /// Brings a thread to a stop in which its registers are its own, serving whatever it reports on the way.
    /// </summary>
    /// <returns>False when it is gone, has exited (a leader whose other threads live), or does not stop in time.</returns>
    internal bool TryStop(TracedThread thread)
    {
        if (thread.State == TraceState.Stopped)
            return true;
        if (thread.State == TraceState.Gone)
            return false;
        bool first = thread.State == TraceState.AwaitingFirstStop;
        bool wasHeld = thread.IsHeld;
        thread.IsHeld = true;
        if (!first && !Interrupt(thread))
        {
            thread.IsHeld = wasHeld;
            return false;
        }

        long start = Stopwatch.GetTimestamp();
        _stopping++;
        try
        {
            while (Stopwatch.GetElapsedTime(start) < _stopTimeout)
            {
                int result = WaitFor(thread.ThreadId, ZombieCheck, out WaitStatus status);
                if (result == 0)
                {
                    if (ThreadStatus.TryRead(thread.ThreadId) is null or { State: 'Z' or 'X' })
                        return false;
                    continue;
                }

                if (result < 0)
                    return false;
                if (status.Kind is WaitKind.Interrupted or WaitKind.GroupStop)
                {
                    Dispatch(thread.ThreadId, status);
                    if (thread.State != TraceState.Stopped || !RaisedSignals.ArePending(thread.ThreadId))
                        return thread.State == TraceState.Stopped;
                    // Its registers are those behind a breakpoint, and the signal would meet it wherever it is sent, and outlive the session
                    // (traps T8): that is delivered first, and another interrupt asked for before the thread runs an instruction.
                    Continue(thread, 0);
                    continue;
                }

                // Anything else is served and the thread goes on to the stop that was asked for.
                Interrupt(thread);
                thread.IsHeld = false;
                Dispatch(thread.ThreadId, status);
                if (thread.State == TraceState.Gone || (!thread.IsInterrupting && !Interrupt(thread)))
                    return false;
                thread.IsHeld = true;
            }

            return false;
        }
        finally
        {
            _stopping--;
            thread.IsHeld = wasHeld;
        }
    }

    /// <summary>Takes a stopped thread through one more stop, without letting it run a single instruction of its own.</summary>
    internal void StopAgain(TracedThread thread)
    {
        if (!Interrupt(thread))
            return;
        Continue(thread, 0);
        TryStop(thread);
    }

    /// <summary>
    /// Has a stopped thread stop once more when it goes on, which shows whether job control has stopped its process. A signal that waits to be
    /// delivered in this stop is delivered first.
    /// </summary>
    internal static void StopNext(TracedThread thread) => Interrupt(thread);

    /// <summary>Serves a report that somebody else has waited for.</summary>
    internal void ServeNow(int tid, WaitStatus status) => Dispatch(tid, status);

    /// <summary>Asks a running thread for a stop, once. False when it is gone.</summary>
    private static bool Interrupt(TracedThread thread)
    {
        if (thread.IsInterrupting)
            return true;
        thread.IsInterrupting = Ptrace.Interrupt(thread.ThreadId) != Errno.ESRCH;
        return thread.IsInterrupting;
    }

    /// <summary>Waits for one thread's report. 0 when the time is over, negative when there is no such tracee.</summary>
    internal int WaitFor(int tid, TimeSpan timeout, out WaitStatus status)
    {
        if (_unserved.Remove(tid, out status))
            return tid; // Collected already, and not served yet.
        int result = Thread.WaitForTracee(tid, block: false, out status);
        long start = Stopwatch.GetTimestamp();
        // Most stops are a few microseconds away: to sleep and be woken takes longer.
        while (result == 0 && Stopwatch.GetElapsedTime(start) < Patience)
        {
            System.Threading.Thread.Yield();
            result = Thread.WaitForTracee(tid, block: false, out status);
        }

        if (result != 0)
            return result;
        using Timer alarm = new(static thread => ((TracerThread)thread!).Wake(), Thread, timeout, ZombieCheck);
        while ((result = Thread.WaitForTracee(tid, block: true, out status)) == -Errno.EINTR)
        {
            if (Stopwatch.GetElapsedTime(start) >= timeout)
                return 0;
        }

        return result;
    }

    /// <summary>Lets a stopped thread go on; one that job control has stopped stays stopped.</summary>
    internal static void Resume(TracedThread thread)
    {
        if (!thread.InGroupStop)
        {
            Continue(thread, 0);
            return;
        }

        // PTRACE_CONT would run a stopped job (traps P4).
        thread.State = TraceState.Listening;
        _ = Ptrace.Listen(thread.ThreadId); // ESRCH: killed meanwhile; its end is reported.
    }

    /// <summary>Continues a stopped thread with a signal, or with none (0).</summary>
    internal static void Continue(TracedThread thread, int signal)
    {
        thread.State = TraceState.Running;
        thread.InGroupStop = false;
        thread.InSignalStop = false;
        // Every other stop takes back an interrupt that is pending (kernel/signal.c, ptrace_stop): it is asked for again
        // while the thread cannot have answered it, so that it is answered once.
        if (thread.IsInterrupting)
            _ = Ptrace.Interrupt(thread.ThreadId);
        _ = thread.ReportsSystemCalls
            ? Ptrace.ContinueToSystemCall(thread.ThreadId, signal)
            : Ptrace.Continue(thread.ThreadId, signal); // ESRCH: killed meanwhile; its end is reported (traps T10).
    }

    /// <summary>Stops all threads of a process. Returns those that did not stop.</summary>
    internal List<TracedThread> StopAll(TracedProcess process)
    {
        // All are asked before any is waited for, so that the pause is that of the slowest and not the sum.
        foreach (TracedThread thread in process.Threads.Values)
        {
            if (thread.State is TraceState.Running or TraceState.Listening)
                Interrupt(thread);
        }

        List<TracedThread> unstoppable = [];
        HashSet<int> seen = [];
        bool found = true;
        while (found)
        {
            // Threads that are born meanwhile come into the list while it is worked on: look again until nothing is new.
            found = false;
            foreach (TracedThread thread in process.Threads.Values.ToArray())
            {
                if (!seen.Add(thread.ThreadId))
                    continue;
                found = true;
                if (!TryStop(thread) && thread.State != TraceState.Gone)
                    unstoppable.Add(thread);
            }
        }

        return unstoppable;
    }

    /// <summary>Lets go of a process. Its threads must hold nothing of the engine's any more.</summary>
    internal void Detach(TracedProcess process)
    {
        foreach (TracedThread thread in StopAll(process))
        {
            if (ThreadStatus.TryRead(thread.ThreadId) is { State: not ('Z' or 'X') })
                _observer.OnNotice($"thread {thread.ThreadId} did not stop in {_stopTimeout.TotalSeconds:0.#} s; it is let go of when this program ends",
                    process.ProcessId);
        }

        foreach (TracedThread thread in process.Threads.Values.ToArray())
            Release(thread);
        if (_processes.ContainsKey(process.ProcessId))
            EndProcess(process);
    }

    internal void DetachAll()
    {
        foreach (TracedProcess process in _processes.Values.ToArray())
            Detach(process);
    }

    private void Release(TracedThread thread)
    {
        // ESRCH: killed meanwhile, about to exit, or never stopped (reported by the caller).
        if (thread.State != TraceState.Gone && Ptrace.Detach(thread.ThreadId, 0) != 0 && ThreadStatus.TryRead(thread.ThreadId)?.TracerId == Tasks.CurrentThreadId)
            _leftBehind.Add(thread.ThreadId);
        thread.State = TraceState.Gone;
        _threads.Remove(thread.ThreadId);
        thread.Process.Threads.Remove(thread.ThreadId);
    }

    /// <summary>
    /// Some system calls return EINTR to the program when an interrupt stops them, though no signal handler ran
    /// (signal(7); traps P10). Such a call is made to start again.
    /// </summary>
    private static void RepairInterruptedCall(TracedThread thread)
    {
        if (Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) != 0 || (long)registers.Rax != -Errno.EINTR
            || registers.OrigRax is not (EpollWait or EpollPwait or EpollPwait2 or SigTimedWait or SemOp or SemTimedOp or IoGetEvents or IoPgetEvents))
            return;
        if (ThreadStatus.TryRead(thread.ThreadId) is { } status && (status.Pending & ~status.Blocked) != 0)
            return; // A real signal interrupted it as well: EINTR is then the program's due.
        registers.Rip -= 2;
        registers.Rax = registers.OrigRax;
        registers.OrigRax = ulong.MaxValue;
        _ = Ptrace.SetRegisters(thread.ThreadId, registers);
    }
}
