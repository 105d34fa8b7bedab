using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>
/// Detached presence: the tracer lets go of processes in which nothing needs it, looks at them from outside from time to time, and returns
/// to arm, to disarm, and when something has changed.
/// </summary>
internal sealed partial class TrapEngine
{
    private const int AuxiliaryEntry = 9; // AT_ENTRY (getauxval(3))

    /// <summary>Looks at all processes from outside, returns to those in which something has changed, and lets go of those that need nobody.</summary>
    internal void LookAround()
    {
        bool hasNewTasks = HasNewTasks(); // Threads are tasks too.
        foreach (TracedProcess process in _services.Tracer.Processes.ToArray())
        {
            if (process.IsUnattended && IsKnown(process))
                LookAt(process);
        }

        if (hasNewTasks)
        {
            FindChildren();
            foreach ((SpaceArming space, TracedProcess process) in Spaces())
            {
                // Their own ids are those that we see, unless they are in another pid namespace.
                if (process.IsUnattended && space.Inline.HasPrograms && ThreadStatus.TryRead(process.ProcessId)?.OwnProcessId == process.ProcessId)
                    space.Inline.RenameThreads([.. Tracer.ListThreads(process.ProcessId)]);
            }
        }

        SweepMaps();
        LeaveAll();
    }

    /// <summary>Makes room in maps of programs that are full of deleted keys.</summary>
    internal void SweepMaps()
    {
        foreach ((SpaceArming space, TracedProcess process) in Spaces())
        {
            if (IsKnown(process) && space.Inline.IsSweepDue && TryReturn(process) && HasMemoryOf(process, space))
                _services.NotePause(space.Inline.SweepMaps());
        }
    }

    /// <summary>Lets go of all processes in which nothing needs a tracer.</summary>
    internal void LeaveAll()
    {
        if (!_services.Detaches)
            return;
        foreach (TracedProcess process in _services.Tracer.Processes.ToArray())
        {
            if (!process.IsUnattended && IsKnown(process))
                TryLeave(process);
        }
    }

    /// <summary>
    /// Returns to all processes before something is changed in any: what they have forked meanwhile has to be described by what they are now.
    /// </summary>
    /// <param name="isLast">Whether everything is going to be taken out: then copies of their memory are looked for everywhere.</param>
    internal void ReturnToAll(bool isLast = false)
    {
        if (!_services.Detaches)
            return;
        // Children that are found are attended; a process that cannot be returned to is tried again when something is wanted of it.
        foreach (TracedProcess process in _services.Tracer.Processes.ToArray())
        {
            if (IsKnown(process))
                TryReturn(process);
        }

        FindChildren(isLast);
    }

    private bool IsKnown(TracedProcess process) => _services.Tracer.TryGetProcess(process.ProcessId, out TracedProcess? known) && known == process;

    private void LookAt(TracedProcess process)
    {
        ProcessArming state = ProcessArming.Of(process);
        UnattendedProcess then = state.Unattended!;
        SpaceArming? space = process.Space.EngineState as SpaceArming;
        if (then.HasEnded(process, TimeSpan.Zero))
        {
            FindChildren(); // Their memory is a copy of what is known of its.
            _services.Tracer.EndUnattended(process);
        }
        else if (UnattendedProcess.HasLeftMemory(process))
        {
            TryReturn(process);
        }
        else if (space is not null && UnattendedProcess.BeganToCatchFaults(process, space))
        {
            if (TryReturn(process))
                RemoveFaulting(process, space);
        }
        else if (space is not null && (state.OwesRemoval || then.HasLostPatches(space) || then.HasNews(process, space)))
        {
            if (!TryReturn(process))
                state.OwesSwitch = state.OwesSwitch && IsKnown(process) && !space.Inline.TurnOffUnwanted();
            else if (HasMemoryOf(process, space))
                Renew(process, space);
        }
    }

    private static bool HasMemoryOf(TracedProcess process, SpaceArming? space) => process.HasSpace && process.Space.EngineState == space;

    /// <summary>Brings a process up to what is wanted now.</summary>
    private static void Renew(TracedProcess process, SpaceArming space)
    {
        ProcessArming state = ProcessArming.Of(process);
        (state.OwesRemoval, state.OwesSwitch) = (false, false);
        space.Inline.RemoveUnwanted(process);
        space.ArmEverywhere(process);
    }

    private void RemoveFaulting(TracedProcess process, SpaceArming space)
    {
        if (!HasMemoryOf(process, space))
            return;
        foreach (ArmedPoint point in space.Inline.RemoveFaulting(process))
        {
            _catalog.OnArmingRefused(point, new ArmingRefusal(ArmingRefusalReason.NotPatchable,
                $"process {process.ProcessId} handles faults itself now, and a displaced instruction can raise one: that needs an attached tracer"), process.ProcessId);
        }
    }

    /// <summary>Attaches to a process again; where it has executed another program, that is armed. False when it cannot be traced, or is gone.</summary>
    private bool TryReturn(TracedProcess process)
    {
        if (!process.IsUnattended)
            return true;
        ProcessArming state = ProcessArming.Of(process);
        try
        {
            _services.Tracer.ReturnTo(process);
        }
        catch (AttachException e)
        {
            if (e.Reason is not (AttachFailure.NoSuchProcess or AttachFailure.Zombie) && !state.IsOutOfReach)
            {
                state.IsOutOfReach = true;
                _events.OnNotice($"{e.Message}; its probes stay as they are until it is in reach again", process.ProcessId);
            }

            return false;
        }

        state.Unattended?.Dispose();
        (state.Unattended, state.IsOutOfReach) = (null, false);
        _services.Step?.Invoke("returned");
        using (SpaceStop stop = new(_services.Tracer, process.Space))
        {
            // From here on forks are reported. Those before it are found now, while what they have copied is known.
            FindChildren();
            if (process.HasSpace && process.Space.Memory.IsGone)
                _services.Tracer.EnterExecuted(process);
        }

        return IsKnown(process) && process.HasSpace;
    }

    /// <summary>Lets go of a process if nothing in it needs a tracer; otherwise it is tried again at the next look.</summary>
    private void TryLeave(TracedProcess process)
    {
        if (!MayLeave(process))
            return;
        SpaceArming? space = process.Space.EngineState as SpaceArming;
        using SpaceStop stop = new(_services.Tracer, process.Space);
        if (stop.Unstoppable.Count > 0 || !IsKnown(process) || !process.HasSpace || process.Space.EngineState != space)
            return;
        _services.Tracer.AwaitChildren(process);
        if (!MayLeave(process))
            return;
        if (space is not null)
        {
            DisarmHooks(space);
            if (space.HasBreakpoints)
                return;
            foreach (TracedThread thread in stop.Threads)
                LeaveSlot(space, thread);
            space.ReleaseTraps(process);
        }

        process.IsStarting = false;
        ProcessArming.Of(process).Unattended = new UnattendedProcess(process, space);
        _services.Step?.Invoke("leaving");
        _services.Tracer.Leave(process);
        _services.Step?.Invoke("left");
    }

    private static bool MayLeave(TracedProcess process)
    {
        if (process.IsUnattended || !process.HasSpace || process.BorrowsSpace || process.Space.IsShared || process.Origin is not null || process.HoldAtExec)
            return false;
        if (process.IsStarting && process.Space.EngineState is SpaceArming { HasBreakpoints: true })
            return false; // Its libraries are being loaded.
        // A thread that waits for a child in its memory, or for a disk, does not stop.
        return process.Threads.Values.All(t => !t.IsHeld && t.State != TraceState.AwaitingFirstStop && !ThreadArming.Of(t).Fired.AwaitsHandlers
            && ThreadStatus.TryRead(t.ThreadId) is not { State: 'D' });
    }

    /// <summary>Has a launched program's libraries noticed until its own code begins.</summary>
    private static void AwaitEntry(TracedProcess process, SpaceArming space)
    {
        Span<byte> vector = stackalloc byte[1024];
        int read = ProcFile.Read($"/proc/{process.ProcessId}/auxv", vector);
        for (int at = 0; at + (2 * sizeof(ulong)) <= read; at += 2 * sizeof(ulong))
        {
            if (BitConverter.ToUInt64(vector[at..]) == AuxiliaryEntry)
                space.ArmEntry(process, BitConverter.ToUInt64(vector[(at + sizeof(ulong))..]));
        }
    }

    /// <summary>The points of a process to which nobody can return are refused there.</summary>
    private void RefuseOutOfReach(TracedProcess process)
    {
        List<Mapping> mappings = process.ReadMappings(out int tid);
        string reason = AttachDiagnosis.Explain(process.ProcessId, Errno.EPERM).Message;
        foreach (Mapping mapping in mappings.Where(m => m.IsExecutable))
        {
            foreach (ArmedPoint point in _catalog.Find(mapping, tid).Where(p => p.Offset.Value >= mapping.FileOffset && p.Offset.Value - mapping.FileOffset < mapping.Length))
            {
                if (process.Space.EngineState is not SpaceArming space || !space.Inline.Runs(p => ReferenceEquals(p, point)))
                    _catalog.OnArmingRefused(point, new ArmingRefusal(ArmingRefusalReason.OutOfReach, reason), process.ProcessId);
            }
        }
    }

    /// <summary>
    /// Returns to a process to take points out. Where that cannot be, their programs are turned off, and the rest follows when it can. Some kernels
    /// let nobody but the tracer write there: then the programs run on, which the user is told, and what they count is read by nobody.
    /// </summary>
    /// <returns>Whether they are to be taken out now.</returns>
    private bool TryReturnFor(TracedProcess process, SpaceArming space, IReadOnlySet<ArmedPoint> points)
    {
        if (!space.Inline.Runs(points.Contains))
            return false;
        if (TryReturn(process))
            return HasMemoryOf(process, space);
        if (IsKnown(process))
        {
            ProcessArming state = ProcessArming.Of(process);
            state.OwesRemoval = true;
            if (!space.Inline.TurnOff(points.Contains) && !state.OwesSwitch)
            {
                state.OwesSwitch = true;
                _events.OnNotice($"what was removed from process {process.ProcessId} runs on until it is in reach again: it could not be switched off", process.ProcessId);
            }
        }

        return false;
    }

    /// <summary>Returns to a process for the last time. While another tracer has it that is tried again for as long as a thread may take to stop.</summary>
    private bool TryReturnInTime(TracedProcess process)
    {
        TimeSpan pause = TimeSpan.FromMilliseconds(10);
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!TryReturn(process))
        {
            if (!IsKnown(process) || ProcessArming.Of(process).Unattended is not { } then || then.HasEnded(process, pause)
                || System.Diagnostics.Stopwatch.GetElapsedTime(start) > _services.Tracer.StopTimeout)
                return false;
        }

        return true;
    }

    /// <summary>
    /// Lets processes run until no signal handler is going to return into a trampoline. They are stopped, and are so afterwards.
    /// </summary>
    /// <returns>False where a handler takes longer.</returns>
    private bool AwaitHandlers(SpaceArming space, TracedProcess[] processes)
    {
        TimeSpan most = TimeSpan.FromSeconds(1), turn = TimeSpan.FromMilliseconds(1);
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (space.Inline.IsReturnedTo(processes.SelectMany(p => p.Threads.Values)))
        {
            if (System.Diagnostics.Stopwatch.GetElapsedTime(start) > most || processes is not [var process])
                return false;
            foreach (TracedThread thread in process.Threads.Values.ToArray())
            {
                if (thread is { State: TraceState.Stopped, IsHeld: false })
                    Tracer.Resume(thread);
            }

            if (process.LiveThread() is { } first && _services.Tracer.WaitFor(first.ThreadId, turn, out WaitStatus status) > 0)
                _services.Tracer.ServeNow(first.ThreadId, status);
            foreach (TracedThread thread in _services.Tracer.StopAll(process))
            {
                if (ThreadStatus.TryRead(thread.ThreadId) is { State: not ('Z' or 'X') })
                    return false;
            }
        }

        // A handler that has returned meanwhile was interrupted in a trampoline.
        return processes.All(p => p.Threads.Values.All(t => t.State != TraceState.Stopped || Ptrace.GetRegisters(t.ThreadId, out UserRegisters registers) != 0
            || !space.Inline.IsInTrampolines(registers.Rip) || space.Inline.RollForward(t)));
    }

    /// <summary>Gives a process up that cannot be returned to: what is in its text stays, and does nothing.</summary>
    private void GiveUp(TracedProcess process)
    {
        if (process.HasSpace && process.Space.EngineState is SpaceArming held)
            held.ReleaseSemaphores(process, mayStop: false);
        if (process.HasSpace && process.Space.EngineState is SpaceArming { Inline.Sites.Count: > 0 and var sites } space && !process.Space.Memory.IsGone)
        {
            string programs = space.Inline.TurnOff(static _ => true) ? "is switched off" : "could not be switched off";
            _events.OnNotice($"{AttachDiagnosis.Explain(process.ProcessId, Errno.EPERM).Message}; {sites} jumps stay in its text, and what they lead to {programs}. "
                + "A later session takes them out", process.ProcessId);
        }

        _services.Tracer.EndUnattended(process);
    }
}
