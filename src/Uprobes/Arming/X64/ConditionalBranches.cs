using Iced.Intel;
using Uprobes.Linux;

namespace Uprobes.Arming.X64;

/// <summary>Works out which way a conditional jump goes.</summary>
internal static class ConditionalBranches
{
    private const ulong Carry = 1, Parity = 4, Zero = 0x40, Sign = 0x80, Overflow = 0x800;

    /// <summary>Does what the jump would do: RIP, and for <c>loop</c> the counter. Flags stay.</summary>
    /// <param name="jump">Any instruction.</param>
    /// <param name="registers">The thread's registers before it, and then after it.</param>
    /// <returns>False where it is no conditional jump.</returns>
    public static bool TryApply(DisplacedInstruction jump, ref UserRegisters registers)
    {
        if (jump.ControlFlow != ControlFlowKind.ConditionalJump)
            return false;
        bool isHalf = jump.Prefixes.AddressSize;
        ulong counter = isHalf ? (uint)registers.Rcx : registers.Rcx;
        bool taken;
        switch (jump.Decoded.Mnemonic)
        {
            case Mnemonic.Jrcxz or Mnemonic.Jecxz:
                taken = counter == 0;
                break;
            case Mnemonic.Loop or Mnemonic.Loope or Mnemonic.Loopne:
                counter = isHalf ? (uint)(counter - 1) : counter - 1;
                registers.Rcx = counter;
                taken = counter != 0 && (jump.Decoded.Mnemonic == Mnemonic.Loop || Holds(jump.Decoded.ConditionCode, registers.Rflags));
                break;
            default:
                if (jump.Decoded.ConditionCode == ConditionCode.None)
                    return false;
                taken = Holds(jump.Decoded.ConditionCode, registers.Rflags);
                break;
        }

        registers.Rip = taken ? jump.Decoded.NearBranchTarget : jump.Next;
        return true;
    }

    private static bool Holds(ConditionCode condition, ulong flags)
    {
        bool isLess = ((flags & Sign) != 0) != ((flags & Overflow) != 0);
        return condition switch
        {
            ConditionCode.o => (flags & Overflow) != 0,
            ConditionCode.no => (flags & Overflow) == 0,
            ConditionCode.b => (flags & Carry) != 0,
            ConditionCode.ae => (flags & Carry) == 0,
            ConditionCode.e => (flags & Zero) != 0,
            ConditionCode.ne => (flags & Zero) == 0,
            ConditionCode.be => (flags & (Carry | Zero)) != 0,
            ConditionCode.a => (flags & (Carry | Zero)) == 0,
            ConditionCode.s => (flags & Sign) != 0,
            ConditionCode.ns => (flags & Sign) == 0,
            ConditionCode.p => (flags & Parity) != 0,
            ConditionCode.np => (flags & Parity) == 0,
            ConditionCode.l => isLess,
            ConditionCode.ge => !isLess,
            ConditionCode.le => (flags & Zero) != 0 || isLess,
            ConditionCode.g => (flags & Zero) == 0 && !isLess,
            _ => throw new ArgumentOutOfRangeException(nameof(condition), condition, "No jump has this condition."),
        };
    }
}
