using System.Runtime.InteropServices;
using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Arming.X64;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>Threads that stand where text is about to change, or in trampolines.</summary>
internal sealed partial class InlineSpace
{
    private const int MostSteps = 16;
    private const ulong LongestStackLook = 8 << 20;

    /// <summary>
    /// Moves threads that are between the instructions of a site into its trampoline, before the text is written: should the tracer be
    /// killed from here on, they run on.
    /// </summary>
    private static void MoveInto(List<(TracedThread Thread, UserRegisters Registers)> threads, Interiors interiors, HashSet<InlineSite> but)
    {
        foreach ((TracedThread thread, UserRegisters registers) in threads)
        {
            if (interiors.PlaceFor(registers) is ({ } site, var place) && !but.Contains(site))
                _ = Ptrace.SetInstructionPointer(thread.ThreadId, place); // ESRCH: killed meanwhile.
        }
    }

    /// <summary>
    /// The sites between whose instructions something goes on that is suspended on a stack: below a signal handler, the interrupted
    /// place is saved there (traps I13). A word that only looks so costs the site the inline engine, no more.
    /// </summary>
    /// <param name="threads">Stopped.</param>
    /// <param name="interiors">The places.</param>
    /// <param name="mappings">Of the process, shortly before the stop: a stack ends where its mapping does, and what is behind it is another's.</param>
    private HashSet<InlineSite> FindSuspended(List<(TracedThread Thread, UserRegisters Registers)> threads, Interiors interiors, List<Mapping> mappings)
    {
        HashSet<InlineSite> found = new(ReferenceEqualityComparer.Instance);
        if (interiors.IsEmpty)
            return found;
        FindBehindKept(interiors, found);
        byte[] buffer = new byte[64 * 1024];
        foreach ((_, UserRegisters registers) in threads)
        {
            ulong at = registers.Rsp & ~7ul;
            int index = mappings.FindIndex(m => at < m.End); // A stack that has grown since begins below its mapping.
            ulong end = index < 0 ? at + LongestStackLook : Math.Min(EndOfStack(mappings, index), at + LongestStackLook);
            while (at < end)
            {
                int read = space.Memory.Read(new RemoteAddress(at), buffer.AsSpan(0, (int)Math.Min((ulong)buffer.Length, end - at)));
                foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(buffer.AsSpan(0, read & ~7)))
                {
                    if (interiors.Find(word) is { } site)
                        found.Add(site);
                }

                if (read < buffer.Length)
                    break; // The end of the stack.
                at += (ulong)read;
            }
        }

        return found;
    }

    /// <summary>A stack is several mappings where a part of it was locked, advised or protected.</summary>
    private static ulong EndOfStack(List<Mapping> mappings, int index)
    {
        const MappingPermissions Stack = MappingPermissions.Read | MappingPermissions.Write;
        while (index + 1 < mappings.Count && mappings[index + 1].Start == mappings[index].End && (mappings[index + 1].Permissions & Stack) == Stack)
            index++;
        return mappings[index].End;
    }

    /// <summary>Takes the threads out of trampolines, and from springboards, that are no longer jumped to.</summary>
    private void RollOut(SpaceStop stop)
    {
        _occupied.Clear();
        foreach (TracedThread thread in stop.Threads)
        {
            if (Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) != 0)
                continue;
            if (IsInTrampolines(registers.Rip))
            {
                // Which of them it comes to on its way is not known.
                if (!RollForward(thread))
                    _occupied.UnionWith(_leaving.Select(l => l.Trampoline));
            }
            else if (_leaving.Find(l => l.Site.Springboard == registers.Rip) is { Site: not null } springboard)
                _ = Ptrace.SetInstructionPointer(thread.ThreadId, springboard.Site.Address); // ESRCH: killed meanwhile.
        }

        FindReturning(stop);
    }

    /// <summary>
    /// Has a thread that stands in a trampoline go on to where it would be without the probe: its program is let run to its end, then
    /// the displaced instructions. Its registers are the program's own afterwards, and no signal is delivered on the way.
    /// </summary>
    /// <param name="thread">Stopped.</param>
    /// <param name="staysPatched">
    /// Whether the site stays as it is: then a thread stays in front of a displaced instruction that the tracer cannot run for it, being a
    /// system call or one that faults. Otherwise it is sent to where that stands in the text.
    /// </param>
    /// <returns>Whether it is out, or gone.</returns>
    internal bool RollForward(TracedThread thread, bool staysPatched = false)
    {
        for (int step = 0; step < MostSteps; step++)
        {
            if (thread.State != TraceState.Stopped || Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) != 0)
                return true; // Gone.
            if (_thunks is { } thunks && (thunks.Contains(registers.Rip) || FindStub(registers.Rip) is not null))
            {
                if (!RunReturn(thread, thunks, registers))
                    return false;
                continue;
            }

            if (OwnerOf(registers.Rip) is not ({ } site, { } trampoline))
            {
                if (Find(registers.Rip) is not { } inside || inside.Address == registers.Rip || inside.Trampoline?.CopyOf(inside.Address, registers.Rip) is not (> 0 and var copy))
                    return !IsInTrampolines(registers.Rip);
                registers.Rip = copy; // Behind a displaced branch that was not taken.
                _ = Ptrace.SetRegisters(thread.ThreadId, registers);
                continue;
            }

            if (Advance(thread, site, trampoline))
                continue;
            if (staysPatched || thread.State != TraceState.Stopped || Ptrace.GetRegisters(thread.ThreadId, out registers) != 0
                || trampoline.PositionOf(registers.Rip) is not { Executed: false } position)
                return false;
            Leave(ref registers, position);
            if (site is { State: SiteState.Armed, Trampoline: { } standing } && standing != trampoline)
                registers.Rip = standing.CopyOf(site.Address, registers.Rip);
            _ = Ptrace.SetRegisters(thread.ThreadId, registers);
            return true;
        }

        return false;
    }

    /// <summary>
    /// Takes a thread on to the end of the displaced instructions, or past the next one that goes elsewhere. False where it stands in front of
    /// one that only it can run itself, or did not arrive.
    /// </summary>
    private bool Advance(TracedThread thread, InlineSite site, Trampoline trampoline)
    {
        if (Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) != 0)
            return true; // Gone.
        SlotPosition? here = trampoline.PositionOf(registers.Rip);
        if (here is { Executed: true } || (registers.Rip == trampoline.Entry && site.LeadsFromItself))
        {
            Leave(ref registers, here!.Value);
            _ = Ptrace.SetRegisters(thread.ThreadId, registers);
            return true;
        }

        RunMember next = NextStop(trampoline, registers.Rip);
        bool isCall = next.ControlFlow == ControlFlowKind.SystemCall;
        if (isCall && here is not null)
            return false;
        ulong place = trampoline.RunStart + (ulong)(isCall ? next.CodeStart : next.End);
        if (registers.Rip != place && !RunTo(thread, trampoline.Start, place))
            return false;
        if (thread.State != TraceState.Stopped || Ptrace.GetRegisters(thread.ThreadId, out registers) != 0)
            return true;
        if (isCall || !TryPass(site, trampoline, next, ref registers))
            return false;
        _ = Ptrace.SetRegisters(thread.ThreadId, registers);
        return true;
    }

    private (InlineSite Site, Trampoline Trampoline)? OwnerOf(ulong rip) =>
        FindTrampoline(rip) is { } site ? (site, site.Trampoline!)
        : _leaving.Find(l => l.Trampoline.Contains(rip)) is { Trampoline: not null } leaving ? leaving
        : _kept.Find(k => k.Trampoline.Contains(rip)) is { Trampoline: not null } kept ? kept : null;

    private static void Leave(ref UserRegisters registers, in SlotPosition position)
    {
        registers.Rip = position.OriginalRip;
        registers.Rsp += (ulong)position.StackAdjust;
        if (position.FixRcx)
            registers.Rcx = position.OriginalRip;
    }

    /// <summary>The first displaced instruction from here on that goes elsewhere, or else the last one.</summary>
    private static RunMember NextStop(Trampoline trampoline, ulong rip)
    {
        RunMember last = trampoline.Run.Members[^1];
        foreach (RunMember member in trampoline.Run.Members)
        {
            if (trampoline.RunStart + (ulong)member.CodeStart >= rip && member.ControlFlow is not (ControlFlowKind.StraightLine or ControlFlowKind.SystemCall))
                return member;
        }

        return last;
    }

    /// <summary>Works out what the instruction does at which a thread was stopped, or takes it behind the last one.</summary>
    private bool TryPass(InlineSite site, Trampoline trampoline, in RunMember member, ref UserRegisters registers)
    {
        if (member.End != member.CodeStart)
        {
            if (trampoline.PositionOf(registers.Rip) is { } done)
                Leave(ref registers, done);
            return true;
        }

        ReadOnlySpan<byte> bytes = site.Original.AsSpan(member.Start, member.Length);
        if (DisplacedInstruction.TryDecode(bytes, site.Address + (ulong)member.Start, out DisplacedInstruction? jump, out _)
            && ConditionalBranches.TryApply(jump, ref registers))
            return true;
        if (!BranchTargets.TryEvaluate(bytes, site.Address + (ulong)member.Start, registers,
                (address, destination) => space.Memory.Read(new RemoteAddress(address), destination), out ulong rip, out ulong rsp, out ulong? pushed))
            return false; // It faults where it is, and is told of there.
        if (pushed is { } word && space.Memory.WriteAll(new RemoteAddress(rsp), BitConverter.GetBytes(word)) != 0)
            return false;
        (registers.Rip, registers.Rsp) = (rip, rsp);
        return true;
    }
}
