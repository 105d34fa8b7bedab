using System.Diagnostics;
using Uprobes.Arming.Inline;
using Uprobes.Arming.X64;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>Serving stops: the way of a hit.</summary>
internal sealed partial class TrapEngine
{
    private const ulong ProtExec = 4;
    private readonly HitContext _hit = new();
    private readonly List<PendingReturn> _taken = [];

    /// <summary>The thread whose handlers are being called; its registers are in <see cref="_hit"/>.</summary>
    private TracedThread? _serving;

    public int OnSignal(TracedThread thread, int signal)
    {
        if (!thread.Process.HasSpace || thread.Process.Space.EngineState is not SpaceArming space
            || Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) != 0)
            return signal;
        if (signal == Signal.SIGTRAP && TryServeTrap(space, thread, ref registers))
            return 0;
        if (signal == Signal.SIGTRAP && !TrapDispositions.PrepareDelivery(_services, space, thread, ThreadArming.Of(thread)))
            return 0;
        return OnOtherSignal(space, thread, signal, ref registers);
    }

    public void OnSystemCall(TracedThread thread)
    {
        ThreadArming state = ThreadArming.Of(thread);
        if (Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) != 0)
            return; // Killed meanwhile.
        Site? site = state.Fired.TakeAtSystemCall(registers);
        thread.ReportsSystemCalls = state.Fired.AwaitsHandlers;
        if (site is not { State: SiteState.Armed } || thread.Process.Space.EngineState is not SpaceArming space)
            return;
        // The handlers have been called for this instruction: it runs now, without another hit.
        _ = Ptrace.SetInstructionPointer(thread.ThreadId, site.Slot);
        _hit.Registers.Load(registers);
        _hit.Begin(space, thread, new RemoteAddress(site.Address), Now());
        GoOn(space, thread, site);
    }

    private bool TryServeTrap(SpaceArming space, TracedThread thread, ref UserRegisters registers)
    {
        ulong address = registers.Rip - 1;
        if (space.TryFindSite(address, out Site? site) || TryFindMoved(space, thread, address, out site))
        {
            // A one-byte instruction is behind the site when a SIGTRAP from elsewhere meets the thread there (traps T7). A longer
            // one's second byte is no place to be but after the breakpoint.
            if (site!.Instruction.Length == 1 && !IsBreakpoint(thread))
                return false;
            registers.Rip = address;
            if (site.State == SiteState.Armed && _services.Tracer.IsStopping)
                ComeAgain(space, thread, site, registers);
            else if (site.State == SiteState.Armed)
                Serve(space, thread, site, registers);
            else if (!IsOwnBreakpoint(space, site))
                GoOnAfterRemoval(space, thread, site, registers);
            else
                return false;
            return true;
        }

        if (!space.TryFindSlot(address, out SlotUse slot))
            return false;
        if (!_services.Tracer.IsStopping || !slot.StopsAfter)
            return TryServePost(space, thread, slot, address, ref registers);
        registers.Rip = address;
        Redirect(thread, registers);
        return true;
    }

    /// <summary>
    /// A breakpoint where nothing was mapped at the last look: the program may have moved text with the breakpoint in it. Looking
    /// again arms the new place.
    /// </summary>
    private static bool TryFindMoved(SpaceArming space, TracedThread thread, ulong address, out Site? site)
    {
        site = null;
        if (space.TryFindExecutable(address, out _) || space.TryFindSlot(address, out _) || !IsBreakpoint(thread))
            return false;
        space.Rescan(thread.Process);
        return space.TryFindSite(address, out site);
    }

    /// <summary>A hit that cannot be served now: the thread runs into the breakpoint again when it goes on.</summary>
    private void ComeAgain(SpaceArming space, TracedThread thread, Site site, in UserRegisters registers)
    {
        Redirect(thread, registers);
        // It may be let go of before that, and what the kernel has done to the signal's action must not stay.
        if (site.Hook != MappingHookKind.SignalAction)
            TrapDispositions.Repair(_services, space, thread, ThreadArming.Of(thread));
    }

    private void Serve(SpaceArming space, TracedThread thread, Site site, in UserRegisters registers)
    {
        // First of all: should the tracer be killed from here on, the thread is where it can go on by itself.
        _ = Ptrace.SetInstructionPointer(thread.ThreadId, site.Slot); // ESRCH: killed meanwhile (traps T10).
        _services.Step?.Invoke("hit thread moved");
        DropSignal(space, thread);
        _placement.OnHit(thread.ThreadId);
        ThreadArming state = ThreadArming.Of(thread);
        ThreadRegisters visible = _hit.Registers;
        visible.Load(registers);
        _hit.Begin(space, thread, new RemoteAddress(site.Address), Now());
        bool again = state.Fired.TakeAtHit(site, registers);
        thread.ReportsSystemCalls = state.Fired.AwaitsHandlers;
        if (again || !ServeActionHook(space, thread, site, state, registers))
            TrapDispositions.Repair(_services, space, thread, state);
        if (!again)
        {
            _serving = thread;
            CallHandlers(space, thread, site, state);
            _serving = null;
        }

        if (thread.State != TraceState.Stopped)
            return; // Killed while a handler ran, or let go of by it.
        if (visible.Rip == site.Address && site.State == SiteState.Armed)
            GoOn(space, thread, site);
        else
            RedirectAfterHandlers(space, thread, visible.Values); // A handler chose another way, or took the breakpoint out.
    }

    private void CallHandlers(SpaceArming space, TracedThread thread, Site site, ThreadArming state)
    {
        if (site.Hook is not (MappingHookKind.None or MappingHookKind.SignalAction or MappingHookKind.SignalActionEntry))
            OnMappingChanged(space, thread.Process, site.Hook);
        if (!thread.Process.IsFollowed)
            return;
        state.FsBase = _hit.Registers.FsBase;
        if (site.ExitHook != ExitHookKind.None)
            OnExitReached(space, thread, state, site.ExitHook);
        else if (state.ThrownFrom != 0)
            LeaveThrownFrames(space, thread, state, _hit.Registers.Rsp - 1);
        if (site.WatchesCall)
            space.Returns.DropFrames(thread.Process.ProcessId, _hit.Registers.Rsp - 1, _hit.Registers.Rsp);
        if (site.ReturnSinks is not null && TakeReturns(space, thread, site))
        {
            foreach (PendingReturn call in _taken.ToArray())
                call.Sink.OnReturn(new ReturnContext(_hit, call.EntryTimestamp, call.State));
        }

        if (site.Point is { } point)
        {
            _hit.ReturnRequests.Clear();
            point.Sink.OnHit(_hit);
            if (_hit.ReturnRequests.Count > 0 && thread.State == TraceState.Stopped)
                FollowReturns(space, thread, site, state);
        }

        if (site.ExitHook != ExitHookKind.None && thread.State == TraceState.Stopped)
            OnExitBegins(space, thread, state, site.ExitHook);
    }

    /// <summary>Sends the thread through the slot, or past the instruction where the tracer has to work out where it goes.</summary>
    private void GoOn(SpaceArming space, TracedThread thread, Site site)
    {
        ThreadRegisters visible = _hit.Registers;
        ulong slot = site.Slot;
        if (site.Point?.Sink.WantsPost == true && thread.Process.IsFollowed)
        {
            if (site.Instruction.NeedsEmulationAfterwards)
            {
                // The tracer cannot keep a shadow stack: the slot's instruction does, and there is no post handler.
                bool usesStack = site.Instruction.ControlFlow != ControlFlowKind.IndirectJump;
                if (!(usesStack && ShadowStacks.AreUsed(thread.Process)) && TryEmulate(space, thread, site))
                    return;
            }
            else if (space.EnsurePostSlot(thread.Process, site))
            {
                slot = site.PostSlot;
            }
        }

        if (visible.IsChanged)
        {
            UserRegisters changed = visible.Values;
            changed.Rip = slot;
            _ = Ptrace.SetRegisters(thread.ThreadId, changed);
        }
        else if (slot != site.Slot) // Where the thread is already.
        {
            _ = Ptrace.SetInstructionPointer(thread.ThreadId, slot);
        }

        _services.Step?.Invoke("hit served");
    }

    /// <summary>
    /// The breakpoint was removed between the hit and its report (traps T8): the instruction is run where it is, or from the
    /// slot, which the safety net knows.
    /// </summary>
    private void GoOnAfterRemoval(SpaceArming space, TracedThread thread, Site site, UserRegisters registers)
    {
        if (site is { State: SiteState.Disarmed, Slot: not 0 })
            _ = Ptrace.SetInstructionPointer(thread.ThreadId, site.Slot);
        else
            Redirect(thread, registers);
        _services.Step?.Invoke("stale hit served");
        TrapDispositions.Repair(_services, space, thread, ThreadArming.Of(thread));
    }

    /// <summary>
    /// Takes the breakpoint's signal away from a thread that our handler would not help: if the tracer is killed now, the
    /// signal must not be delivered. Others keep it, since this costs a system call.
    /// </summary>
    private static void DropSignal(SpaceArming space, TracedThread thread)
    {
        bool isHelped = space.Net is { Disposition.IsCaught: false } && !thread.Process.Space.IsShared
            && ProcessArming.Of(thread.Process).OwnDisposition is null;
        if (isHelped || !thread.InSignalStop)
            return;
        Tasks.Collect(thread.ThreadId);
        thread.InSignalStop = false;
    }

    /// <summary>
    /// Sends a thread to where its signal's address is none that the safety net knows. If the tracer is killed now the
    /// signal is delivered; the mark tells the handler that this has been done, if it has been.
    /// </summary>
    private void Redirect(TracedThread thread, in UserRegisters registers)
    {
        if (thread.InSignalStop)
        {
            Ptrace.SignalInfo mark = new() { Number = Signal.SIGTRAP, Code = X64.SafetyNetCode.CodeRedirected, Address = registers.Rip };
            _ = Ptrace.SetSignalInfo(thread.ThreadId, mark);
            _services.Step?.Invoke("hit marked");
        }

        _ = Ptrace.SetRegisters(thread.ThreadId, registers); // ESRCH: killed meanwhile (traps T10).
        _services.Step?.Invoke("hit redirected");
    }

    /// <summary>The same after handlers, which may have had a patch written where the thread goes on.</summary>
    private void RedirectAfterHandlers(SpaceArming space, TracedThread thread, UserRegisters registers)
    {
        registers.Rip = space.Inline.PlaceOf(registers.Rip);
        Redirect(thread, registers);
    }

    private bool TryEmulate(SpaceArming space, TracedThread thread, Site site)
    {
        ThreadRegisters visible = _hit.Registers;
        TraceeMemory memory = thread.Process.Space.Memory;
        if (!BranchTargets.TryEvaluate(site.Original, site.Address, visible.Values, (address, bytes) => memory.Read(new RemoteAddress(address), bytes),
                out ulong rip, out ulong rsp, out ulong? pushed))
            return false; // It faults: the slot raises the genuine fault.
        if (pushed is { } word && memory.WriteAll(new RemoteAddress(rsp), BitConverter.GetBytes(word)) != 0)
            return false;
        visible.Rip = rip;
        visible.Rsp = rsp;
        _serving = thread;
        site.Point!.Sink.OnPost(_hit);
        _serving = null;
        if (thread.State == TraceState.Stopped)
            RedirectAfterHandlers(space, thread, visible.Values);
        return true;
    }

    private bool TryServePost(SpaceArming space, TracedThread thread, in SlotUse slot, ulong address, ref UserRegisters registers)
    {
        if (!slot.StopsAfter || slot.Code is not { } code)
            return false;
        foreach (SlotExit exit in code.Exits)
        {
            if (slot.Address + (ulong)exit.Offset != address)
                continue;
            registers.Rip = exit.OriginalRip;
            if (slot.Owner.Instruction.ControlFlow == ControlFlowKind.SystemCall)
                registers.Rcx = exit.OriginalRip;
            _hit.Registers.Load(registers);
            _hit.Begin(space, thread, new RemoteAddress(slot.Owner.Address), Now());
            _serving = thread;
            if (slot.Owner.Point is { } point && thread.Process.IsFollowed)
                point.Sink.OnPost(_hit);
            _serving = null;
            if (thread.State == TraceState.Stopped)
                RedirectAfterHandlers(space, thread, _hit.Registers.Values);
            return true;
        }

        return false;
    }

    /// <summary>A signal that is not ours: its handler must see the thread where it would be without probes (traps T5, X11).</summary>
    private int OnOtherSignal(SpaceArming space, TracedThread thread, int signal, ref UserRegisters registers)
    {
        ulong slotRip = registers.Rip;
        if (space.Inline.IsInTrampolines(slotRip))
            return OnSignalInTrampoline(space, thread, signal, ref registers);
        if (space.Inline.TryLeaveSpringboard(ref registers))
        {
            _ = Ptrace.SetRegisters(thread.ThreadId, registers); // ESRCH: killed meanwhile.
            return signal;
        }

        if (!SlotExitRules.TryLeave(space, ref registers, out Site? site, out UserRegisters? again, out bool isPostDue))
            return signal;
        if (Ptrace.GetSignalInfo(thread.ThreadId, out Ptrace.SignalInfo info) == 0 && IsFault(signal, info))
        {
            if (info.Address == slotRip)
            {
                info.Address = registers.Rip;
                _ = Ptrace.SetSignalInfo(thread.ThreadId, info);
            }

            if (site!.Point is { } point && thread.Process.IsFollowed)
            {
                _hit.Registers.Load(registers);
                _hit.Begin(space, thread, new RemoteAddress(site.Address), Now());
                _serving = thread;
                if (!point.Sink.OnFault(_hit, signal))
                    signal = 0;
                _serving = null;
                registers = _hit.Registers.Values;
                if (signal == 0) // It is tried again with what the handler made of the registers, or goes on elsewhere.
                    again = registers.Rip == site.Address ? registers : null;
            }
        }

        if (again is { } comeBack && thread.State == TraceState.Stopped)
            Remember(thread, signal, new FiredMark(site!, comeBack, AwaitsHandler: false));

        if (isPostDue && site!.Point is { } completed && thread.Process.IsFollowed)
        {
            _hit.Registers.Load(registers);
            _hit.Begin(space, thread, new RemoteAddress(site.Address), Now());
            _serving = thread;
            completed.Sink.OnPost(_hit);
            _serving = null;
            registers = _hit.Registers.Values;
        }

        if (thread.State == TraceState.Stopped)
            _ = Ptrace.SetRegisters(thread.ThreadId, registers);
        return signal;
    }

    /// <summary>The same in a trampoline: a fault is told of where its instruction stands in the text; any other signal waits until the thread is out.</summary>
    private int OnSignalInTrampoline(SpaceArming space, TracedThread thread, int signal, ref UserRegisters registers)
    {
        if (Ptrace.GetSignalInfo(thread.ThreadId, out Ptrace.SignalInfo info) != 0)
            return signal; // Killed meanwhile.
        bool isFault = IsFault(signal, info);
        if (isFault && signal == Signal.SIGSEGV && space.Inline.AnswerTicks(thread, null))
        {
            LoseTicks(space, thread);
            return 0;
        }

        if (_services.Detaches)
            return signal; // As while nobody is there: handlers return into trampolines.
        // Nobody sees where the thread is without a handler, and it goes on from there, as an interrupted system call does.
        if (!isFault && ThreadStatus.TryRead(thread.ThreadId) is { } status && !status.IsCaught(signal))
            return signal;
        ulong rip = registers.Rip;
        Site? resumption = space.Inline.TakeBackInterrupted(ref registers, out UserRegisters again);
        if (resumption is null)
        {
            if (!isFault)
                space.Inline.RollForward(thread, staysPatched: true);
            if (thread.State != TraceState.Stopped || Ptrace.GetRegisters(thread.ThreadId, out registers) != 0)
                return signal;
            if (!isFault && !thread.InSignalStop)
                return 0; // It is pending, for this thread or for any.
            resumption = space.Inline.TakeBack(ref registers);
            again = registers;
        }

        if (resumption is not null)
            Remember(thread, signal, new FiredMark(resumption, again, AwaitsHandler: false));
        if (isFault && info.Address == rip)
            info.Address = registers.Rip;
        _ = Ptrace.SetSignalInfo(thread.ThreadId, info);
        _ = Ptrace.SetRegisters(thread.ThreadId, registers);
        if (space.Inline.IsInTrampolines(registers.Rip))
            _events.OnNotice($"thread {thread.ThreadId} was sent signal {signal} inside a trampoline that it did not leave in time; its handler may see an address there", thread.Process.ProcessId);
        return signal;
    }

    /// <summary>Programs that read the time stamp counter are the trap engine's from now on: the process does not allow it.</summary>
    private void LoseTicks(SpaceArming space, TracedThread thread)
    {
        if (!space.Inline.LoseTicks())
            return;
        _services.Tracer.StopAgain(thread); // The signal is not its own, and must not come with it on its way out.
        if (thread.State == TraceState.Gone)
            return;
        using SpaceStop stop = new(_services.Tracer, thread.Process.Space); // No hit is missed between the one and the other.
        space.Inline.Remove(thread.Process, InlineSpace.NeedsTicks);
        space.ArmEverywhere(thread.Process);
        if (thread is { State: TraceState.Stopped, InGroupStop: true })
            Tracer.StopNext(thread);
    }

    private static void Remember(TracedThread thread, int signal, FiredMark mark)
    {
        ThreadArming state = ThreadArming.Of(thread);
        bool isCaught = signal != 0 && ThreadStatus.TryRead(thread.ThreadId) is { } status && status.IsCaught(signal);
        state.Fired.Add(isCaught ? mark with { AwaitsHandler = true } : mark);
        thread.ReportsSystemCalls = state.Fired.AwaitsHandlers;
    }

    /// <summary>Whether the instruction itself raised the signal, rather than somebody else (sigaction(2), si_code).</summary>
    private static bool IsFault(int signal, in Ptrace.SignalInfo info) =>
        info.Code > 0 && signal is Signal.SIGSEGV or Signal.SIGBUS or Signal.SIGFPE or Signal.SIGILL or Signal.SIGTRAP;

    private static bool IsBreakpoint(TracedThread thread) =>
        Ptrace.GetSignalInfo(thread.ThreadId, out Ptrace.SignalInfo info) == 0 && info.Code == Signal.SI_KERNEL;

    /// <summary>Whether the program has written a breakpoint of its own where one of ours was.</summary>
    private static bool IsOwnBreakpoint(SpaceArming space, Site site) => space.ReadByte(site.Address) == 0xCC;

    private void OnMappingChanged(SpaceArming space, TracedProcess process, MappingHookKind kind)
    {
        const ulong FirstError = unchecked((ulong)-4095);
        ref readonly UserRegisters registers = ref _hit.Registers.Values;
        if (registers.Rax >= FirstError && kind != MappingHookKind.ProgramEntry)
            return;
        switch (kind)
        {
            case MappingHookKind.Map when (registers.Rdx & ProtExec) != 0:
                // rax is where, rsi how much, and rdx the protection: a system call keeps all but rax, rcx and r11.
                space.Rescan(process, (registers.Rax, registers.Rax + registers.Rsi));
                break;
            case MappingHookKind.Map when space.AwaitsSemaphores:
                space.SettleSemaphores(process);
                break;
            case MappingHookKind.ProgramEntry:
                process.IsStarting = false; // Its hooks are taken out when nothing else is under way.
                break;
            case MappingHookKind.Unmap or MappingHookKind.LinkerBreakpoint:
                space.Rescan(process);
                break;
        }
    }

    private static long Now() => Stopwatch.GetTimestamp() * (1_000_000_000 / Stopwatch.Frequency);
}
