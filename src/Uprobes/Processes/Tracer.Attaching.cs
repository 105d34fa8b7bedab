using System.Globalization;
using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>Taking processes into tracing.</summary>
internal sealed partial class Tracer
{
    private const int ElfClassOffset = 4, ElfClass32 = 1;

    /// <summary>Seizes all threads of a running process without stopping them.</summary>
    /// <exception cref="AttachException">It cannot be traced; nothing was changed.</exception>
    internal TracedProcess Attach(int pid)
    {
        int group = ThreadStatus.TryRead(pid)?.ProcessId ?? pid;
        if (_processes.TryGetValue(group, out TracedProcess? known))
            return known;
        if (group == Environment.ProcessId)
            throw AttachDiagnosis.Explain(group, Errno.EPERM);
        RefuseForeignWordSize(group);
        TracedProcess process = new(group);
        try
        {
            SeizeThreads(process);
            process.Enter(new AddressSpace(process.LiveThread()?.ThreadId ?? group));
        }
        catch (Exception e) when (e is AttachException or SyscallException)
        {
            foreach (TracedThread thread in process.Threads.Values.ToArray())
            {
                TryStop(thread);
                Release(thread);
            }

            throw e as AttachException ?? AttachDiagnosis.Explain(group, ((SyscallException)e).Error);
        }

        _processes.Add(group, process);
        SeizeBorrowers(process);
        return process;
    }

    /// <summary>
    /// Takes in the children that run in the process's memory between vfork(2) and execve(2): a breakpoint that is written now is met
    /// by them too. A thread whose child does is in state D, which is looked for first, since a look at all processes takes long.
    /// </summary>
    private void SeizeBorrowers(TracedProcess process)
    {
        if (!process.Threads.Keys.Any(tid => ThreadStatus.TryRead(tid) is { State: 'D' }))
            return;
        foreach (int pid in ListProcesses())
        {
            if (_processes.ContainsKey(pid) || ThreadStatus.TryRead(pid)?.ParentId != process.ProcessId
                || Tasks.ShareMemory(process.ProcessId, pid) != true || Ptrace.Seize(pid, Ptrace.Standard) != 0)
                continue;
            TracedProcess child = new(pid) { IsFollowed = process.IsFollowed };
            TracedThread thread = new(pid, child);
            child.Threads.Add(pid, thread);
            child.Enter(process.Space);
            _threads.Add(pid, thread);
            _processes.Add(pid, child);
        }
    }

    /// <summary>Takes in a child of the tracer thread that waits before execve(2), and arranges that it is held behind it.</summary>
    internal TracedProcess AttachLaunched(int pid)
    {
        int error = Ptrace.Seize(pid, Ptrace.Standard);
        if (error != 0)
            throw AttachDiagnosis.Explain(pid, error);
        TracedProcess process = new(pid) { HoldAtExec = true, IsStarting = true };
        TracedThread thread = new(pid, process);
        process.Threads.Add(pid, thread);
        _threads.Add(pid, thread);
        _processes.Add(pid, process);
        process.Enter(new AddressSpace(pid));
        return process;
    }

    /// <summary>Waits until a launched process is held behind its execve. False when it ended before.</summary>
    internal bool AwaitLaunched(TracedProcess process)
    {
        TracedThread thread = process.Threads[process.ProcessId];
        while (!thread.IsHeld)
        {
            int result = WaitFor(process.ProcessId, TimeSpan.FromSeconds(30), out WaitStatus status);
            if (result <= 0)
                return false;
            Dispatch(process.ProcessId, status);
            if (thread.State == TraceState.Gone)
                return false;
        }

        process.HoldAtExec = false;
        return true;
    }

    /// <summary>Lets a process that is held go on.</summary>
    internal static void ReleaseHeld(TracedProcess process)
    {
        foreach (TracedThread thread in process.Threads.Values.ToArray())
        {
            if (!thread.IsHeld)
                continue;
            thread.IsHeld = false;
            if (thread.State == TraceState.Stopped)
                Resume(thread);
        }
    }

    private void SeizeThreads(TracedProcess process)
    {
        // A thread that is not seized yet can create others. Those of seized threads are traced by themselves; look until
        // two scans agree (traps P7).
        bool found = true;
        while (found)
        {
            found = false;
            foreach (int tid in ListThreads(process.ProcessId))
            {
                if (process.Threads.ContainsKey(tid))
                    continue;
                int error = Ptrace.Seize(tid, Ptrace.Standard);
                if (error != 0)
                {
                    ThreadStatus? status = ThreadStatus.TryRead(tid);
                    if (status is null or { State: 'Z' or 'X' } || status.TracerId == Tasks.CurrentThreadId)
                        continue; // Gone, exited, or born of a seized thread: then its event comes.
                    // An execve gives the number of a leader that ends to the thread that calls it: the error may be the former's.
                    error = Ptrace.Seize(tid, Ptrace.Standard);
                    if (error != 0)
                        throw AttachDiagnosis.Explain(process.ProcessId, error);
                }

                TracedThread thread = new(tid, process);
                process.Threads.Add(tid, thread);
                _threads.Add(tid, thread);
                found = true;
            }
        }

        if (process.Threads.Count == 0)
            throw AttachDiagnosis.Explain(process.ProcessId, Errno.ESRCH);
    }

    internal static List<int> ListThreads(int pid) => ListNumbers($"/proc/{pid}/task");

    /// <summary>The processes that are there.</summary>
    internal static List<int> ListProcesses() => ListNumbers("/proc");

    private static List<int> ListNumbers(string folder)
    {
        List<int> numbers = [];
        try
        {
            foreach (string path in Directory.EnumerateDirectories(folder))
            {
                if (int.TryParse(Path.GetFileName(path.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                    numbers.Add(number);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process ended during the scan, or is hidden from this user (proc(5), hidepid); what was seen so far is all there is.
        }

        return numbers;
    }

    private static void RefuseForeignWordSize(int pid)
    {
        Span<byte> header = stackalloc byte[ElfClassOffset + 1];
        try
        {
            using FileStream exe = File.OpenRead($"/proc/{pid}/exe");
            if (exe.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length || header[ElfClassOffset] != ElfClass32)
                return;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return; // A leader that has exited, or one that may not be traced: seizing tells which.
        }

        throw new AttachException(pid, AttachFailure.ThirtyTwoBit, "it is a 32-bit program", "Only 64-bit x86 programs can be probed.");
    }
}
