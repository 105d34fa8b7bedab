using System.Runtime.InteropServices;
using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>
/// What is different where the tracer lets go of processes: signal handlers interrupt trampolines, and return into them; faults of displaced
/// instructions are told of in trampolines.
/// </summary>
internal sealed partial class InlineSpace
{
    /// <summary>In a signal's frame: from RIP to CS, and what CS is for 64-bit code.</summary>
    private const ulong CodeSegment = 16, UserCode = 0x33;

    /// <summary>A thread has as many stacks as it has handlers within handlers; more than these are not followed.</summary>
    private const int MostStacks = 8;

    private static readonly ulong FaultSignals = Signal.Bit(Signal.SIGSEGV) | Signal.Bit(Signal.SIGBUS) | Signal.Bit(Signal.SIGFPE) | Signal.Bit(Signal.SIGILL);
    private bool? _catchesFaults;

    /// <summary>Sites that could not be patched at the last try since something was suspended in them.</summary>
    private HashSet<InlineSite> _suspended = [];

    /// <summary>What kept trampolines run.</summary>
    private readonly Dictionary<Trampoline, IReadOnlyList<ProgramBinding>> _keptBindings = new(ReferenceEqualityComparer.Instance);

    /// <summary>Where pieces of memory with trampolines begin: a forked copy of this address space has them too.</summary>
    internal IEnumerable<ulong> ChunkStarts => _chunks.Select(c => c.Start);

    /// <summary>
    /// Whether memory has a copy of one of these pieces that no tracer has taken as its own: a fork has wiped the name in it.
    /// </summary>
    internal static bool IsCopiedIn(TraceeMemory memory, IEnumerable<ulong> starts) =>
        starts.Any(start => memory.TryReadWord(new RemoteAddress(start + NameOffset), out ulong name) && name == 0);

    /// <summary>How many sites have their patches in another memory.</summary>
    internal int CountPatchesIn(TraceeMemory memory)
    {
        byte[] now = new byte[LongestPatch];
        return _sites.Values.Count(s => s.State == SiteState.Armed && (s.Redirects.Count > 0 ? Has(s.Redirects[0].Address, s.Redirects[0].Patch) : Has(s.Address, s.Patch)));

        bool Has(ulong address, byte[] patch) =>
            memory.Read(new RemoteAddress(address), now.AsSpan(0, patch.Length)) == patch.Length && now.AsSpan(0, patch.Length).SequenceEqual(patch);
    }

    /// <summary>Whether sites were armed as in a program that handles no faults.</summary>
    internal bool ExpectsNoFaults => _catchesFaults == false;

    /// <summary>Whether a status shows that the program itself handles signals that instructions raise.</summary>
    internal static bool CatchesFaults(ThreadStatus status) => (status.Caught & FaultSignals) != 0;

    /// <summary>Whether any of some points is armed here.</summary>
    internal bool Runs(Func<ArmedPoint, bool> isWanted) => _sites.Values.Any(s => s.Points.Values.Any(isWanted));

    /// <summary>Some armed site in a range of the text; null where there is none.</summary>
    internal InlineSite? WitnessIn(ulong start, ulong end) => _sites.Values.FirstOrDefault(s => s.State == SiteState.Armed && s.Address >= start && s.Address < end);

    /// <summary>Whether a site's patch is in the text, as far as that can be read.</summary>
    internal bool Stands(InlineSite site) => site.State != SiteState.Armed || IsIntact(site);

    /// <summary>Has no program of these points run any more, where their sites cannot be taken out now.</summary>
    /// <returns>False where memory cannot be written so, though it is there.</returns>
    internal bool TurnOff(Func<ArmedPoint, bool> isGone)
    {
        List<(ulong Flag, bool IsOn)> flags = [];
        foreach (InlineSite site in _sites.Values.Where(s => s.State == SiteState.Armed))
        {
            int own = site.OwnProgram is null ? 0 : 1;
            HashSet<ProgramBinding> wanted = [.. site.Points.Values.Where(p => !isGone(p)).SelectMany(p => p.Sink.Programs ?? [])];
            for (int i = 0; i < site.Bindings.Count; i++)
            {
                if (!wanted.Contains(site.Bindings[i]))
                    flags.Add((site.Trampoline!.Flags[own + i], false));
            }
        }

        return WriteFlags(flags);
    }

    /// <summary>Takes out what nobody wants any more.</summary>
    internal void RemoveUnwanted(TracedProcess process) => Remove(process, IsUnwanted);

    /// <summary>Has what nobody wants any more do nothing.</summary>
    /// <returns>False where memory cannot be written so, though it is there.</returns>
    internal bool TurnOffUnwanted() => TurnOff(IsUnwanted);

    private static bool IsUnwanted(ArmedPoint point) => point.Sink.Programs is not { Count: > 0 };

    /// <summary>
    /// The program has begun to handle faults itself: sites whose displaced instructions can raise one are taken out. Returns their points.
    /// </summary>
    internal List<ArmedPoint> RemoveFaulting(TracedProcess process)
    {
        _catchesFaults = true;
        List<InlineSite> faulting = [.. _sites.Values.Where(s => s.OwnProgram is null && FaultRules.CanFault(s.Original.AsSpan(0, s.Length), s.Address))];
        List<ArmedPoint> points = [.. faulting.SelectMany(s => s.Points.Values)];
        Remove(process, faulting);
        return points;
    }

    /// <summary>Whether a fault of a displaced instruction would be handled by the program itself, and nobody could show it where that stands.</summary>
    private bool MayNotFault(TracedProcess process, PatchPlan plan, ulong address) => services.Detaches
        && (_catchesFaults ??= process.LiveThread() is { } thread && ThreadStatus.TryRead(thread.ThreadId) is { } status && CatchesFaults(status))
        && FaultRules.CanFault(plan.Displaced.AsSpan(), address);

    /// <summary>Keeps the trampolines that are leaving and that a signal handler will return to. All threads are stopped.</summary>
    private void FindReturning(SpaceStop stop)
    {
        if (!services.Detaches || _leaving.Count == 0)
            return;
        foreach (ulong place in ReturnsOfHandlers(stop.Threads, IsInTrampolines))
            _occupied.UnionWith(_leaving.Where(l => l.Trampoline.Contains(place)).Select(l => l.Trampoline));
    }

    /// <summary>
    /// Patches sites; those that something is suspended in are tried again, since a handler that was interrupted there is over in a moment, and
    /// no other engine takes their points.
    /// </summary>
    private List<InlineSite> PatchWhenFree(TracedProcess process, List<InlineSite> sites)
    {
        List<InlineSite> refused = Patch(process, sites);
        for (int tries = 0; services.Detaches && tries < MostWaits && refused.Exists(_suspended.Contains); tries++)
            refused = Patch(process, refused);
        return refused;
    }

    /// <summary>Gives the room of kept trampolines back that nobody is in any more, or will return to. All threads are stopped.</summary>
    private void FreeKept(SpaceStop stop)
    {
        if (!services.Detaches || _kept.Count == 0)
            return;
        List<ulong> places = [.. ReturnsOfHandlers(stop.Threads, IsInTrampolines)];
        foreach (TracedThread thread in stop.Threads)
        {
            if (Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) == 0)
                places.Add(registers.Rip);
        }

        foreach ((_, Trampoline trampoline) in _kept.Where(k => !places.Exists(k.Trampoline.Contains)).ToArray())
        {
            _kept.RemoveAll(k => ReferenceEquals(k.Trampoline, trampoline));
            Free(trampoline);
            if (_keptBindings.Remove(trampoline, out IReadOnlyList<ProgramBinding>? bindings))
                Release(bindings);
        }
    }

    /// <summary>The sites inside of which a thread arrives that a signal handler returns into the trampoline of a former patch.</summary>
    private void FindBehindKept(Interiors interiors, HashSet<InlineSite> found)
    {
        foreach ((InlineSite kept, _) in _kept)
        {
            for (ulong place = kept.Address; place <= kept.End; place++)
            {
                if (interiors.Find(place) is { } site)
                    found.Add(site);
            }
        }
    }

    /// <summary>Whether any signal handler will return to memory of ours. The threads are stopped.</summary>
    internal bool IsReturnedTo(IEnumerable<TracedThread> threads) => services.Detaches && _chunks.Count > 0 && ReturnsOfHandlers(threads, IsInTrampolines).Any();

    /// <summary>The places in trampolines that signals have interrupted, by the frames that the kernel has left on the stacks.</summary>
    private IEnumerable<ulong> ReturnsOfHandlers(IEnumerable<TracedThread> threads, Func<ulong, bool> isInTrampolines)
    {
        List<Mapping>? mappings = null;
        foreach (TracedThread thread in threads)
        {
            if (thread.State != TraceState.Stopped || Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) != 0)
                continue;
            mappings ??= thread.Process.ReadMappings(out _);
            foreach (ulong place in ReturnsOfHandlers(registers, mappings, isInTrampolines))
                yield return place;
        }
    }

    /// <summary>The same of one thread: on the stack that it is on, and on those that handlers on it have interrupted.</summary>
    private IEnumerable<ulong> ReturnsOfHandlers(UserRegisters registers, List<Mapping> mappings, Func<ulong, bool> isInTrampolines)
    {
        Queue<ulong> stacks = new([registers.Rsp]);
        HashSet<int> seen = [IndexOfStack(mappings, registers.Rsp)];
        while (stacks.TryDequeue(out ulong stack))
        {
            foreach ((ulong at, ulong word) in StackWords(stack, mappings))
            {
                if (isInTrampolines(word) && IsSavedInstructionPointer(at))
                    yield return word;
                if ((word & 0xffff) == UserCode && IsSavedInstructionPointer(at - CodeSegment)
                    && space.Memory.TryReadWord(new RemoteAddress(at - CodeSegment - sizeof(ulong)), out ulong interrupted)
                    && seen.Count < MostStacks && seen.Add(IndexOfStack(mappings, interrupted)))
                    stacks.Enqueue(interrupted);
            }
        }
    }

    private static int IndexOfStack(List<Mapping> mappings, ulong address) => mappings.FindIndex(m => address < m.End);

    /// <summary>
    /// Whether a place on a stack is RIP of a <c>struct rt_sigframe</c> (arch/x86/include/asm/sigframe.h, uapi/asm/sigcontext.h): behind it are
    /// the flags and CS, before it is RSP, 168 bytes before it uc_flags, of which few are defined.
    /// </summary>
    private bool IsSavedInstructionPointer(ulong place)
    {
        const ulong ContextFlags = 168, KnownFlags = 0xf;
        return space.Memory.TryReadWord(new RemoteAddress(place + CodeSegment), out ulong segments) && (segments & 0xffff) == UserCode
            && space.Memory.TryReadWord(new RemoteAddress(place - ContextFlags), out ulong flags) && flags <= KnownFlags;
    }

    /// <summary>The words of a stopped thread's stack, from its stack pointer on.</summary>
    /// <param name="stack">The stack pointer.</param>
    /// <param name="mappings">Of the process, not long ago: a stack ends where its mapping does, and what is behind it is another's.</param>
    private IEnumerable<(ulong Place, ulong Word)> StackWords(ulong stack, List<Mapping> mappings)
    {
        byte[] buffer = new byte[64 * 1024];
        ulong at = stack & ~7ul;
        int index = mappings.FindIndex(m => at < m.End); // A stack that has grown since begins below its mapping.
        ulong end = index < 0 ? at + LongestStackLook : Math.Min(EndOfStack(mappings, index), at + LongestStackLook);
        while (at < end)
        {
            int read = space.Memory.Read(new RemoteAddress(at), buffer.AsSpan(0, (int)Math.Min((ulong)buffer.Length, end - at)));
            for (int i = 0; i + sizeof(ulong) <= read; i += sizeof(ulong))
                yield return (at + (ulong)i, MemoryMarshal.Read<ulong>(buffer.AsSpan(i)));
            if (read < buffer.Length)
                break; // The end of the stack.
            at += (ulong)read;
        }
    }
}
