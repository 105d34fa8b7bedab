using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>
/// Letting go of processes for a while. Such a process stays one of ours, and its memory within reach, but nothing that it does is reported:
/// another tracer may come, and its end has to be looked for.
/// </summary>
internal sealed partial class Tracer
{
    /// <summary>Lets go of the threads of a process, all of which are stopped and hold nothing that needs a tracer.</summary>
    internal void Leave(TracedProcess process)
    {
        foreach (TracedThread thread in process.Threads.Values.ToArray())
            Release(thread);
        process.IsUnattended = true;
    }

    /// <summary>Takes an unattended process's threads in again, without stopping them.</summary>
    /// <exception cref="AttachException">It cannot be traced now, or is gone; it stays unattended.</exception>
    internal void ReturnTo(TracedProcess process)
    {
        try
        {
            SeizeThreads(process);
        }
        catch (AttachException)
        {
            foreach (TracedThread thread in process.Threads.Values.ToArray())
            {
                TryStop(thread);
                Release(thread);
            }

            throw;
        }

        process.IsUnattended = false;
        SeizeBorrowers(process);
    }

    /// <summary>
    /// A process has executed another program while nobody was there, and is traced again now: its former memory is let go of.
    /// </summary>
    internal void EnterExecuted(TracedProcess process)
    {
        if (process.LiveThread() is not { } thread || !TryStop(thread))
            return; // It ends.
        _observer.OnExecuting(process);
        if (!TryEnterOwnSpace(process, thread))
            return;
        bool goesOn = _observer.OnExecuted(process);
        if (thread.State == TraceState.Gone)
            return;
        if (!goesOn)
            Detach(process);
        else
            Resume(thread);
    }

    /// <summary>An unattended process has ended.</summary>
    internal void EndUnattended(TracedProcess process)
    {
        // A child of ours, or a leader that had exited when its threads were let go of: its status is waited for.
        if (Thread.WaitForTracee(process.ProcessId, block: false, out WaitStatus status) > 0)
            NoteExit(process, status);
        EndProcess(process);
    }

    /// <summary>A wait for any tracee has brought the end of a process that nobody attends; that it has ended is found when it is looked at.</summary>
    private bool TryNoteUnattendedEnd(int pid, WaitStatus status)
    {
        if (!_processes.TryGetValue(pid, out TracedProcess? process) || !process.IsUnattended)
            return false;
        NoteExit(process, status);
        return true;
    }

    private static void NoteExit(TracedProcess process, WaitStatus status)
    {
        if (status.IsEnd)
            process.ExitStatus = status.Kind == WaitKind.Exited ? status.ExitCode : 128 + status.Signal;
    }
}
