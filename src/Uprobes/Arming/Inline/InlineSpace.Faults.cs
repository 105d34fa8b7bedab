using Uprobes.Arming.Trap;
using Uprobes.Arming.X64;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>Signals that meet a thread in a trampoline: what the program's handler sees is what it would see without the probe.</summary>
internal sealed partial class InlineSpace
{
    /// <summary>A displaced instruction has faulted: it is told of where it stands in the text.</summary>
    /// <param name="rip">In: in a trampoline.</param>
    /// <param name="registers">In and out: as the handler is to see them.</param>
    /// <returns>Where the instruction is to go on if the handler mends the fault and returns; null where RIP is at no displaced instruction.</returns>
    internal Site? TellOfFault(ulong rip, ref UserRegisters registers)
    {
        if (FindTrampoline(rip) is not { } site || site.Trampoline!.PositionOf(rip) is not { } position)
            return null;
        Leave(ref registers, position);
        if (position.Executed)
            return null;
        ulong address = registers.Rip;
        int start = (int)(address - site.Address);
        if (site.Resumptions.Find(r => r.Address == address) is { } known)
            return known;
        byte[] original = site.Original[start..];
        if (!InstructionRelocator.TryInspect(original, address, out InspectedInstruction instruction, out _))
            return null;
        Site resumption = new(address, original, instruction) { Slot = site.Trampoline.CopyOf(site.Address, address), State = SiteState.Armed };
        site.Resumptions.Add(resumption);
        return resumption;
    }
}
