using Iced.Intel;

namespace Uprobes.Arming.X64;

/// <summary>
/// Which instructions can be a site at all, wherever their slot is. Everything that user code can run usefully is
/// allowed; refused is what an int3 or a copy would break, each kind with its own reason.
/// </summary>
internal static class InstructionPolicy
{
    /// <summary>The reason against <paramref name="displaced"/>, or null.</summary>
    /// <param name="displaced">The instruction.</param>
    /// <param name="following">The memory at the site, the instruction included, as far as it could be read.</param>
    public static RelocationRefusal? Judge(DisplacedInstruction displaced, ReadOnlySpan<byte> following) =>
        JudgeInterrupt(displaced)
        ?? JudgePrivilege(displaced)
        ?? JudgeTransfer(displaced)
        ?? JudgeSpecial(displaced)
        ?? JudgeStackPointerCall(displaced)
        ?? (SignalReturn.StartsAt(following)
            ? displaced.Refuse(RelocationRefusalReason.SignalReturnTrampoline,
                "starts the signal return sequence that unwinders recognise by its bytes; a probe there breaks backtraces and exceptions")
            : null);

    private static RelocationRefusal? JudgeInterrupt(DisplacedInstruction displaced)
    {
        ref readonly Instruction instruction = ref displaced.Decoded;
        return instruction.Code switch
        {
            Code.Int3 => displaced.Refuse(RelocationRefusalReason.OwnBreakpoint,
                "is a breakpoint already: the program's own, or another debugger's"),
            Code.Int_imm8 when instruction.Immediate8 == 3 => displaced.Refuse(RelocationRefusalReason.OwnBreakpoint,
                "is a breakpoint of the program itself (int 3)"),
            Code.Int_imm8 or Code.Int1 => displaced.Refuse(RelocationRefusalReason.SoftwareInterrupt,
                "is a software interrupt, which reports the address that it was run at"),
            _ => null,
        };
    }

    private static RelocationRefusal? JudgePrivilege(DisplacedInstruction displaced)
    {
        ref readonly Instruction instruction = ref displaced.Decoded;
        switch (instruction.Mnemonic)
        {
            case Mnemonic.In or Mnemonic.Out or Mnemonic.Insb or Mnemonic.Insw or Mnemonic.Insd
                or Mnemonic.Outsb or Mnemonic.Outsw or Mnemonic.Outsd:
                return displaced.Refuse(RelocationRefusalReason.PortIo, "talks to an I/O port");
            case Mnemonic.Vmcall or Mnemonic.Vmmcall or Mnemonic.Vmgexit:
                return displaced.Refuse(RelocationRefusalReason.Privileged,
                    "calls the hypervisor, which may decode or patch the bytes at the caller's address");
        }

        // sysenter, iret and far returns can be run by user code, and have reasons of their own below.
        return instruction.IsPrivileged
            ? displaced.Refuse(RelocationRefusalReason.Privileged, "is privileged: it always faults in a user program")
            : null;
    }

    private static RelocationRefusal? JudgeTransfer(DisplacedInstruction displaced)
    {
        ref readonly Instruction instruction = ref displaced.Decoded;
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Sysenter:
                return displaced.Refuse(RelocationRefusalReason.Sysenter,
                    "is sysenter, from which the kernel returns to an address of its own choice");
            case Mnemonic.Retf or Mnemonic.Iret or Mnemonic.Iretd or Mnemonic.Iretq or Mnemonic.Uiret:
                return displaced.Refuse(RelocationRefusalReason.FarTransfer, "returns to another code segment or from an interrupt");
            case Mnemonic.Xbegin or Mnemonic.Xend or Mnemonic.Xabort:
                return displaced.Refuse(RelocationRefusalReason.Transactional,
                    "begins or ends a memory transaction, which a breakpoint always aborts");
        }

        if (instruction.IsCallFar || instruction.IsJmpFar || instruction.IsCallFarIndirect || instruction.IsJmpFarIndirect)
            return displaced.Refuse(RelocationRefusalReason.FarTransfer, "is a far call or jump: it loads CS together with RIP");

        bool branch = instruction.FlowControl is FlowControl.UnconditionalBranch or FlowControl.ConditionalBranch
            or FlowControl.IndirectBranch or FlowControl.IndirectCall or FlowControl.Return || instruction.IsCallNear;
        return branch && displaced.Prefixes.NarrowsOperand
            ? displaced.Refuse(RelocationRefusalReason.OperandSizeBranch,
                "is a branch with an operand-size prefix (66), which Intel and AMD processors run differently")
            : null;
    }

    private static RelocationRefusal? JudgeSpecial(DisplacedInstruction displaced)
    {
        ref readonly Instruction instruction = ref displaced.Decoded;
        if (instruction.Mnemonic == Mnemonic.Enclu)
            return displaced.Refuse(RelocationRefusalReason.EnclaveEntry, "enters or leaves an enclave and hands over its own address");

        bool loadsStackSegment = instruction.Mnemonic == Mnemonic.Mov && instruction.Op0Kind == OpKind.Register
            && instruction.Op0Register == Register.SS;
        return loadsStackSegment
            ? displaced.Refuse(RelocationRefusalReason.StackSegmentLoad,
                "loads SS, after which the processor holds off debug traps for one instruction")
            : null;
    }

    /// <summary>
    /// The slot pushes the return address before it reads the operand. That is the same thing unless the operand
    /// is RSP, or 8 bytes below it, which no calling convention allows to be in use. (Such bytes reached through
    /// another register are not seen here.)
    /// </summary>
    private static RelocationRefusal? JudgeStackPointerCall(DisplacedInstruction displaced)
    {
        ref readonly Instruction instruction = ref displaced.Decoded;
        if (instruction.FlowControl != FlowControl.IndirectCall)
            return null;
        if (instruction.Op0Kind == OpKind.Register)
        {
            return instruction.Op0Register == Register.RSP
                ? displaced.Refuse(RelocationRefusalReason.StackPointerCall, "calls the address in RSP, that is, its own stack")
                : null;
        }

        // Without an index the operand's place is known: [RSP+d, RSP+d+8) against the pushed [RSP-8, RSP).
        bool stackBased = instruction.MemoryBase is Register.RSP or Register.ESP;
        long displacement = unchecked((int)instruction.MemoryDisplacement32);
        if (stackBased && displacement > int.MaxValue - 8)
        {
            return displaced.Refuse(RelocationRefusalReason.StackPointerCall,
                "takes its target from 2 GiB above RSP, and no displacement reaches there once the return address is pushed");
        }

        bool overwritten = stackBased && instruction.MemoryIndex == Register.None && displacement is > -16 and < 0;
        return overwritten
            ? displaced.Refuse(RelocationRefusalReason.StackPointerCall,
                "takes its target from the stack word that the call itself overwrites")
            : null;
    }
}
