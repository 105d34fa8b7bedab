using System.Diagnostics;
using Uprobes.Arming.Inline;
using Uprobes.Channels;
using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Processes.X64;
using Uprobes.Programs.X64;

namespace Uprobes.Arming.Trap;

/// <summary>
/// The trap engine: a breakpoint at every site, served while the thread that hit it is stopped; the displaced instruction
/// runs from a slot and goes on by itself. This part takes processes in and lets them go. On the tracer thread only.
/// </summary>
internal sealed partial class TrapEngine : ITraceeObserver
{
    private readonly IProbeCatalog _catalog;
    private readonly ITrapEngineEvents _events;
    private readonly bool _followForks;
    private readonly TracerPlacement _placement;
    private readonly ArmingServices _services;
    private readonly X64.Guardian? _guardian;

    /// <summary>Creates the engine; on the tracer thread.</summary>
    internal TrapEngine(Tracer tracer, IProbeCatalog catalog, ITrapEngineEvents events, bool followForks, bool withGuardian, SiteKinds allowed, bool detaches, Lazy<TickClock> clock, Action<string>? step)
    {
        _catalog = catalog;
        _events = events;
        _followForks = followForks;
        _placement = new TracerPlacement();
        _guardian = withGuardian ? X64.Guardian.Start() : null;
        _services = new ArmingServices(tracer, new RemoteCall(tracer, step), _guardian, catalog, message => events.OnNotice(message, null), step) { Allowed = allowed, Detaches = detaches, Clock = clock, Mapped = events.OnCodeMapped };
    }

    /// <summary>Longest time that all threads of a process were held.</summary>
    internal TimeSpan LongestPause => _services.LongestPause;

    /// <summary>Calls whose return is awaited, in all processes.</summary>
    internal int AwaitedReturns => Spaces().Sum(s => s.Space.Returns.Count);

    /// <summary>Sites that are patched with jumps, in all processes.</summary>
    internal int InlineSites => Spaces().Sum(s => s.Space.Inline.Sites.Count);

    /// <summary>The table of a process's followed calls, or null where none has been followed.</summary>
    internal CallTable? CallTableOf(int processId) => Spaces().Where(s => s.Process.ProcessId == processId).Select(s => s.Space.Inline.FollowedCallTable).FirstOrDefault();

    internal int? GuardianProcessId => _guardian?.ProcessId;

    /// <summary>Arms everything that is registered in a process.</summary>
    internal void ArmProcess(TracedProcess process)
    {
        if (_catalog.IsEmpty || !process.HasSpace || !process.IsFollowed)
            return;
        if (!TryReturn(process))
        {
            if (IsKnown(process) && process.HasSpace)
                RefuseOutOfReach(process);
            return;
        }

        SpaceArming space = StateOf(process);
        space.ArmEverywhere(process);
        if (_services.Detaches && process.IsStarting && process.RunsIn(space.Memory))
            AwaitEntry(process, space);
    }

    /// <summary>The points whose breakpoints are in the text of some process.</summary>
    internal IReadOnlySet<ArmedPoint> ArmedPoints() => Spaces().SelectMany(s => s.Space.Sites)
        .Where(site => site.State == SiteState.Armed && site.Point is not null).Select(site => site.Point!)
        .Concat(Spaces().SelectMany(s => s.Space.Inline.ArmedPoints))
        .ToHashSet<ArmedPoint>(ReferenceEqualityComparer.Instance);

    /// <summary>Takes out the breakpoints of points that are registered no more.</summary>
    internal void DisarmPoints(IReadOnlySet<ArmedPoint> points)
    {
        if (Spaces().Any(s => s.Space.Inline.Runs(points.Contains)))
            ReturnToAll();
        foreach ((SpaceArming space, TracedProcess process) in Spaces())
        {
            if (process.IsUnattended && !TryReturnFor(process, space, points))
                continue;
            space.Rescan(process); // What is mapped elsewhere by now must not be written to.
            space.Inline.Remove(process, points.Contains);
            foreach (Site site in space.Sites)
            {
                if (site.Point is null || !points.Contains(site.Point))
                    continue;
                ArmedPoint point = site.Point;
                site.Point = null;
                if (!site.IsWanted && !space.Disarm(site))
                    _catalog.OnSiteLost(point, "its breakpoint was no longer in the text when it was to be removed", process.ProcessId);
            }

            space.SettleSemaphores(process);
            if (_catalog.IsEmpty)
                DisarmHooks(space);
        }
    }

    /// <summary>Counts semaphores down that nobody needs any more, where all probes stay.</summary>
    internal void SettleSemaphores()
    {
        ReturnToAll();
        foreach ((SpaceArming space, TracedProcess process) in Spaces())
        {
            if (!process.IsUnattended)
                space.SettleSemaphores(process);
            else if (space.HoldsSemaphores)
                ProcessArming.Of(process).OwesRemoval = true; // When it is in reach again.
        }
    }

    /// <summary>Has sites follow switches that were thrown; no thread is stopped for it.</summary>
    internal void FollowSwitches(IReadOnlySet<ProgramSwitch> thrown)
    {
        foreach ((SpaceArming space, TracedProcess process) in Spaces())
        {
            // Some kernels let nobody but the tracer write to memory that the process itself may not write to.
            if (!space.Inline.FollowSwitches(thrown) && process.IsUnattended && TryReturn(process) && HasMemoryOf(process, space))
                _ = space.Inline.FollowSwitches(thrown);
        }
    }

    /// <summary>Forgets the awaited returns of someone who is registered no more.</summary>
    internal void DropReturns(IReadOnlySet<IReturnSink> sinks)
    {
        foreach ((SpaceArming space, _) in Spaces())
        {
            space.Returns.DropSinks(sinks);
            foreach (Site site in space.Sites)
            {
                if (site.ReturnSinks is null)
                    continue;
                // Not ExceptWith, which goes through all sinks for each site.
                if (site.ReturnSinks.RemoveWhere(sinks.Contains) > 0 && !site.IsWanted)
                    space.Disarm(site);
            }

            if (!_catalog.FollowsReturns)
                DisarmExitHooks(space);
        }
    }

    /// <summary>Takes everything out of a process, and of those that share its memory, and lets go of them.</summary>
    internal void Detach(TracedProcess process)
    {
        if (!TryReturnInTime(process))
        {
            if (IsKnown(process))
                GiveUp(process);
            return;
        }

        // Not before: with a process that was returned to, those may have come that run in its memory.
        TracedProcess[] group = [.. _services.Tracer.Processes.Where(p => p == process || (p.HasSpace && process.HasSpace && p.Space == process.Space))];
        if (process.HasSpace && process.Space.EngineState is SpaceArming space)
            Clean(space, group);
        foreach (TracedProcess member in group)
            _services.Tracer.Detach(member);
    }

    /// <summary>Ends the engine; all processes have been detached.</summary>
    internal void End()
    {
        _placement.Release();
        _guardian?.Dispose();
    }

    public object? OnForking(TracedThread parent, int childThreadId) =>
        parent.Process.HasSpace && parent.Process.Space.EngineState is SpaceArming space ? space.Snapshot(parent.ThreadId, childThreadId) : null;

    public bool IsCopy(ForkOrigin ended, int childThreadId) =>
        ended.EngineState is not ForkedSpace forked || forked.IsIn(MappingParser.ReadProcess(childThreadId));

    public ForkOrigin? FindLikeliest(IReadOnlyCollection<ForkOrigin> ended, int childThreadId)
    {
        List<Mapping> mappings = MappingParser.ReadProcess(childThreadId);
        ForkOrigin? likeliest = null;
        int most = 0;
        foreach (ForkOrigin origin in ended)
        {
            if (origin.EngineState is not ForkedSpace forked || forked.CountIn(mappings) is var count && count < Math.Max(most, 1))
                continue;
            (likeliest, most) = (origin, count); // Of equals the latest.
        }

        return likeliest;
    }

    public bool OnForked(TracedProcess child, ForkOrigin origin)
    {
        child.IsFollowed = origin.Parent.IsFollowed && _followForks;
        ProcessArming.Of(child).HasHandler = ProcessArming.Of(origin.Parent).HasHandler;
        if (origin.SharesMemory)
        {
            if (child.HasSpace && child.Space.EngineState is SpaceArming shared)
                shared.Returns.ShareWithChild(origin.ParentThreadId, child.ProcessId);
            if (child.LiveThread() is { InheritedThreadPointer: { } pointer } thread && child.Space.EngineState is SpaceArming { Inline.HasPrograms: true } running
                && Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) == 0 && registers.FsBase == pointer)
                GiveUpInline(running, child);
            _events.OnProcessStarted(child, origin.Parent);
            return true; // Until it executes, its hits are in its parent's memory and have to be served (traps T13).
        }

        if (origin.EngineState is not ForkedSpace forked)
        {
            if (child.IsFollowed)
                ArmProcess(child); // Nothing was armed then; something may be by now.
            return child.IsFollowed && Started(child, origin);
        }

        SpaceArming copy = SpaceArming.ForChild(_services, child, forked);
        if (!child.IsFollowed)
        {
            Clean(copy, [child]);
            return false;
        }

        bool isLess = copy.Inline.Adopt(child);
        foreach (Site site in copy.Sites)
        {
            if (!site.IsWanted)
                copy.Disarm(site);
        }

        if (isLess || copy.ArmedVersion != _catalog.Version || _services.Detaches)
            copy.ArmEverywhere(child);
        else
            copy.SettleSemaphores(child);
        return Started(child, origin);
    }

    public void OnExecuting(TracedProcess process)
    {
        if (process.HasSpace && process.Space.EngineState is SpaceArming space)
        {
            space.Returns.DropProcess(process.ProcessId);
            ProcessArming state = ProcessArming.Of(process);
            state.WasIgnored = (state.OwnDisposition ?? space.Net?.Disposition)?.IsIgnored == true;
            state.OwnDisposition = null;
            state.HasHandler = false;
        }

        _events.OnProgramLeft(process);
    }

    public bool OnExecuted(TracedProcess process)
    {
        KeepIgnored(process);
        if (!process.IsFollowed)
            return false;
        ArmProcess(process);
        _events.OnProcessExecuted(process);
        return true;
    }

    public void OnThreadStarted(TracedThread thread)
    {
        if (!thread.Process.HasSpace || thread.Process.Space.EngineState is not SpaceArming { Inline.HasPrograms: true } space
            || Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) != 0)
            return;
        if (thread.InheritedThreadPointer == registers.FsBase)
            GiveUpInline(space, thread.Process);
        else
            space.Inline.NameThread(thread, registers.FsBase);
    }

    /// <summary>A new task runs with its creator's thread pointer: programs in the target could not tell them apart.</summary>
    private void GiveUpInline(SpaceArming space, TracedProcess process)
    {
        using SpaceStop stop = new(_services.Tracer, process.Space); // No hit is missed between the one and the other.
        if (space.Inline.GiveUp(process, InlineSpace.OneThreadPointer))
            space.ArmEverywhere(process);
    }

    public void OnThreadEnded(TracedThread thread)
    {
        if (thread.Process.HasSpace && thread.Process.Space.EngineState is SpaceArming space)
        {
            space.Inline.ForgetThread(thread);
            DropCallsOf(space, thread);
        }
    }

    public void OnProcessEnded(TracedProcess process)
    {
        ProcessArming.Of(process).Unattended?.Dispose();
        _events.OnProcessEnded(process);
    }

    public void OnOtherChildEnded(int processId)
    {
        if (processId != _guardian?.ProcessId)
            return;
        _guardian.NoteCollected();
        try
        {
            _guardian.StartAgain();
            _events.OnNotice($"the guardian process {processId} was killed; process {_guardian.ProcessId} has taken its place", null);
        }
        catch (SyscallException e)
        {
            _events.OnNotice("the guardian process was killed, and another could not be started: if this program is killed too, "
                + $"its tracees keep their breakpoints ({e.Message})", null);
        }
    }

    public void OnFailed()
    {
        foreach (TracedProcess process in _services.Tracer.Processes.ToArray())
        {
            if (_services.Tracer.TryGetProcess(process.ProcessId, out _))
                Detach(process);
        }
    }

    public void OnNotice(string message, int processId) => _events.OnNotice(message, processId);

    private bool Started(TracedProcess child, ForkOrigin origin)
    {
        _events.OnProcessStarted(child, origin.Parent);
        return true;
    }

    private SpaceArming StateOf(TracedProcess process) =>
        process.Space.EngineState as SpaceArming ?? new SpaceArming(_services, process.Space);

    private (SpaceArming Space, TracedProcess Process)[] Spaces() =>
        _services.Tracer.Processes.Where(p => p.HasSpace && p.Space.EngineState is SpaceArming)
            .DistinctBy(p => p.Space).Select(p => (Space: (SpaceArming)p.Space.EngineState!, Process: p)).ToArray();

    private static void DisarmHooks(SpaceArming space)
    {
        foreach (Site site in space.Sites)
        {
            site.Hook = MappingHookKind.None;
            if (!site.IsWanted)
                space.Disarm(site);
        }
    }

    /// <summary>Restores text, moves threads out of slots, gives memory back. The processes stay stopped.</summary>
    private void Clean(SpaceArming space, TracedProcess[] processes)
    {
        space.DisarmAll(processes[0]);
        long start = Stopwatch.GetTimestamp();
        bool allStopped = true;
        foreach (TracedProcess process in processes)
        {
            foreach (TracedThread thread in _services.Tracer.StopAll(process))
                allStopped &= ThreadStatus.TryRead(thread.ThreadId) is null or { State: 'Z' or 'X' };
            _services.Tracer.AwaitChildren(process); // Their copies have all of it; the description is used up here.
            foreach (TracedThread thread in process.Threads.Values.ToArray())
            {
                if (thread.State == TraceState.Stopped && thread != _serving && Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) == 0
                    && space.Inline.IsInTrampolines(registers.Rip))
                    allStopped &= space.Inline.RollForward(thread);
                LeaveSlot(space, thread);
            }
        }

        if (!space.HasMemory)
            return;
        _services.NotePause(Stopwatch.GetElapsedTime(start));
        allStopped &= AwaitHandlers(space, processes);
        start = Stopwatch.GetTimestamp();
        if (allStopped)
            space.ReleaseMemory(processes[0]);
        else
            _events.OnNotice("memory for displaced instructions stays mapped, since a thread that did not stop might be in it", processes[0].ProcessId);
        _services.NotePause(Stopwatch.GetElapsedTime(start));
    }

    private void LeaveSlot(SpaceArming space, TracedThread thread)
    {
        if (thread == _serving)
        {
            // Let go of inside a handler: it goes on from where the handler sees it. ESRCH: killed meanwhile.
            Redirect(thread, _hit.Registers.Values);
            return;
        }

        if (thread.State != TraceState.Stopped || Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) != 0)
            return;
        if (SlotExitRules.TryLeave(space, ref registers, out _, out _, out _))
            _ = Ptrace.SetRegisters(thread.ThreadId, registers); // ESRCH: killed meanwhile.
    }
}
