using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Arming.X64;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>Signals that meet a thread in a trampoline: what the program's handler sees is what it would see without the probe.</summary>
internal sealed partial class InlineSpace
{
    /// <summary>
    /// Has a thread that is about to run a displaced instruction, or that one has faulted in, seen where the instruction stands in the text.
    /// </summary>
    /// <param name="registers">In and out: as a handler is to see them.</param>
    /// <returns>Where the thread is to go on if the handler returns; null where it can go on from where it is seen, or is in a program.</returns>
    internal Site? TakeBack(ref UserRegisters registers)
    {
        ulong rip = registers.Rip;
        // While a trampoline is being replaced, threads are in the former one.
        if (OwnerOf(rip) is not ({ } site, { } trampoline) || trampoline.PositionOf(rip) is not { } position)
            return null;
        Leave(ref registers, position);
        if (position.Executed || (rip == trampoline.Entry && site.LeadsFromItself))
            return null;
        bool isDoor = trampoline.HasDoor(rip, out _);
        return Resumption(site, registers.Rip, isDoor ? rip : trampoline.CopyOf(site.Address, registers.Rip));
    }

    /// <summary>A handler interrupts a system call that the kernel will take the thread back to; see <see cref="TakeBack"/>.</summary>
    internal Site? TakeBackInterrupted(ref UserRegisters registers, out UserRegisters again)
    {
        const ulong SyscallLength = 2;
        again = registers;
        ulong rip = registers.Rip;
        if (OwnerOf(rip) is not ({ } site, { } trampoline) || trampoline.PositionOf(rip) is not { Executed: true, FixRcx: true } position
            || !SlotExitRules.WillRestart(registers, out ulong number))
            return null;
        Leave(ref registers, position);
        again = registers with { Rip = registers.Rip - SyscallLength, Rax = number };
        return Resumption(site, again.Rip, rip - SyscallLength);
    }

    private static Site? Resumption(InlineSite site, ulong address, ulong place)
    {
        if (site.Resumptions.Find(r => r.Address == address && r.Slot == place) is { } known)
            return known;
        int start = (int)(address - site.Address);
        byte[] original = site.Original[start..];
        if (!InstructionRelocator.TryInspect(original, address, out InspectedInstruction instruction, out _))
            return null;
        Site resumption = new(address, original, instruction) { Slot = place, State = SiteState.Armed };
        site.Resumptions.Add(resumption);
        return resumption;
    }

    /// <summary>A site has another trampoline now: handlers that return go on there.</summary>
    private static void RenewResumptions(InlineSite site, Trampoline former)
    {
        foreach (Site resumption in site.Resumptions)
        {
            bool isDoor = former.HasDoor(resumption.Slot, out _);
            ulong door = site.Trampoline!.Doors.FirstOrDefault(d => d.Displaced == resumption.Address).Place;
            resumption.Slot = isDoor && door != 0 ? door : site.Trampoline.CopyOf(site.Address, resumption.Address);
        }
    }

    /// <summary>A thread between the short jump and the long one is seen at the site.</summary>
    internal bool TryLeaveSpringboard(ref UserRegisters registers)
    {
        if (!_springboards.TryGetValue(registers.Rip, out InlineSite? site) || site.State != SiteState.Armed)
            return false;
        registers.Rip = site.Address;
        return true;
    }
}
