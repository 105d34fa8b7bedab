using Uprobes.Arming.X64;
using Uprobes.Linux;

namespace Uprobes.Arming.Trap;

/// <summary>Takes a thread out of a slot: its registers become what they would be without the probe. Pure.</summary>
internal static class SlotExitRules
{
    private const long RestartSys = -512, RestartNoIntr = -513, RestartNoHand = -514, RestartBlock = -516;
    private const ulong RestartSyscall = 219;

    /// <summary>Changes the registers of a thread whose RIP is in a slot.</summary>
    /// <param name="space">The slots.</param>
    /// <param name="registers">In and out.</param>
    /// <param name="site">The slot's site.</param>
    /// <param name="again">
    /// The registers with which the thread will come to the site again, though the handlers have been called; null when it
    /// will not.
    /// </param>
    /// <param name="isPostDue">Whether the instruction has completed in a slot that would have stopped next, for post handlers.</param>
    /// <returns>False when RIP is not in a slot.</returns>
    internal static bool TryLeave(SpaceArming space, ref UserRegisters registers, out Site? site, out UserRegisters? again, out bool isPostDue)
    {
        isPostDue = false;
        site = null;
        again = null;
        if (!space.TryFindSlot(registers.Rip, out SlotUse slot) || slot.Code is not { } code)
            return false;
        int offset = (int)(registers.Rip - slot.Address);
        foreach (SlotPosition position in code.Positions)
        {
            if (position.Offset != offset)
                continue;
            site = slot.Owner;
            registers.Rip = position.OriginalRip;
            registers.Rsp += (ulong)position.StackAdjust;
            if (position.FixRcx)
                registers.Rcx = position.OriginalRip;
            if (!position.Executed)
                again = registers;
            else if (position.FixRcx && WillRestart(registers, out ulong number))
                again = registers with { Rip = site.Address, Rax = number };
            isPostDue = slot.StopsAfter && position.Executed && again is null;
            return true;
        }

        foreach (SlotExit exit in code.Exits)
        {
            // The stop at the end of a slot for post handlers: before it, or right behind it.
            if (offset != exit.Offset && offset != exit.Offset + 1)
                continue;
            site = slot.Owner;
            registers.Rip = exit.OriginalRip;
            isPostDue = slot.StopsAfter;
            return true;
        }

        return false;
    }

    /// <summary>Whether the kernel is going to take an interrupted system call back to its instruction (arch/x86/kernel/signal.c).</summary>
    internal static bool WillRestart(in UserRegisters registers, out ulong number)
    {
        number = (long)registers.Rax == RestartBlock ? RestartSyscall : registers.OrigRax;
        return registers.OrigRax != ulong.MaxValue && (long)registers.Rax is RestartSys or RestartNoIntr or RestartNoHand or RestartBlock;
    }
}
