using System.Buffers.Binary;
using Iced.Intel;
using Uprobes.Linux;

namespace Uprobes.Arming.X64;

/// <summary>Reads memory of the tracee; gives the number of bytes read, which is short where memory ends.</summary>
/// <param name="address">An address in the tracee.</param>
/// <param name="destination">Where the bytes go.</param>
internal delegate int RemoteMemoryReader(ulong address, Span<byte> destination);

/// <summary>
/// Works out where a branch goes, for post handlers at instructions whose slot cannot stop afterwards: <c>ret</c>,
/// indirect jumps, indirect calls. Direct jumps and calls are understood too; conditional ones are not, their slots can stop.
/// </summary>
internal static class BranchTargets
{
    /// <summary>The first address that is not a user address with four-level page tables.</summary>
    private const ulong UserAddressLimit = 1UL << 47;

    /// <summary>
    /// Computes the effects of the branch at <paramref name="address"/>; applies none. On success the caller sets RIP and
    /// RSP and, where <paramref name="pushedReturnAddress"/> is not null, writes it to <paramref name="nextRsp"/> first.
    /// </summary>
    /// <param name="bytes">The original memory at the site.</param>
    /// <param name="address">The site, an address in the tracee.</param>
    /// <param name="registers">The thread's registers before the branch.</param>
    /// <param name="memory">Reads the tracee's memory: the return address, or the operand.</param>
    /// <param name="nextRip">Where the branch goes.</param>
    /// <param name="nextRsp">RSP after it.</param>
    /// <param name="pushedReturnAddress">What a call stores at the new RSP.</param>
    /// <returns>
    /// False where it is no such branch, or where the branch faults (unreadable memory, a target that is no user address):
    /// the thread must then run the slot that does not stop, and takes the genuine fault there.
    /// </returns>
    public static bool TryEvaluate(
        ReadOnlySpan<byte> bytes,
        ulong address,
        in UserRegisters registers,
        RemoteMemoryReader memory,
        out ulong nextRip,
        out ulong nextRsp,
        out ulong? pushedReturnAddress)
    {
        nextRip = 0;
        nextRsp = registers.Rsp;
        pushedReturnAddress = null;
        if (!DisplacedInstruction.TryDecode(bytes, address, out DisplacedInstruction? branch, out _)
            || InstructionPolicy.Judge(branch, bytes) is { Reason: not RelocationRefusalReason.StackPointerCall })
            return false;

        bool found;
        switch (branch.ControlFlow)
        {
            case ControlFlowKind.Return:
                found = TryReadWord(memory, registers.Rsp, out nextRip);
                nextRsp = registers.Rsp + sizeof(ulong) + (branch.Decoded.OpCount == 0 ? 0u : branch.Decoded.Immediate16);
                break;
            case ControlFlowKind.DirectJump or ControlFlowKind.DirectCall:
                nextRip = branch.Decoded.NearBranchTarget;
                found = true;
                break;
            case ControlFlowKind.IndirectJump or ControlFlowKind.IndirectCall:
                found = TryReadOperand(branch, registers, memory, out nextRip);
                break;
            default:
                return false;
        }

        if (branch.ControlFlow is ControlFlowKind.DirectCall or ControlFlowKind.IndirectCall)
        {
            nextRsp = registers.Rsp - sizeof(ulong);
            pushedReturnAddress = branch.Next;
        }

        return found && nextRip < UserAddressLimit;
    }

    private static bool TryReadOperand(
        DisplacedInstruction branch, in UserRegisters registers, RemoteMemoryReader memory, out ulong target)
    {
        ref readonly Instruction instruction = ref branch.Decoded;
        if (instruction.Op0Kind == OpKind.Register)
        {
            target = ReadRegister(instruction.Op0Register, registers);
            return true;
        }

        ulong operand;
        if (instruction.IsIPRelativeMemoryOperand)
        {
            operand = instruction.IPRelativeMemoryAddress;
        }
        else
        {
            operand = ReadRegister(instruction.MemoryBase, registers)
                + (ReadRegister(instruction.MemoryIndex, registers) * (ulong)instruction.MemoryIndexScale)
                + instruction.MemoryDisplacement64;
            if (branch.Prefixes.AddressSize)
                operand = (uint)operand;
        }

        operand += branch.Prefixes.Segment switch
        {
            0x64 => registers.FsBase,
            0x65 => registers.GsBase,
            _ => 0,
        };
        return TryReadWord(memory, operand, out target);
    }

    private static bool TryReadWord(RemoteMemoryReader memory, ulong address, out ulong value)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        int read = memory(address, word);
        value = BinaryPrimitives.ReadUInt64LittleEndian(word);
        return read == word.Length;
    }

    /// <summary>The value of a base, index or operand register; of its lower half for the 32-bit name, and 0 for none.</summary>
    private static ulong ReadRegister(Register register, in UserRegisters registers)
    {
        if (register == Register.None)
            return 0;
        ulong full = register.GetFullRegister() switch
        {
            Register.RAX => registers.Rax,
            Register.RCX => registers.Rcx,
            Register.RDX => registers.Rdx,
            Register.RBX => registers.Rbx,
            Register.RSP => registers.Rsp,
            Register.RBP => registers.Rbp,
            Register.RSI => registers.Rsi,
            Register.RDI => registers.Rdi,
            Register.R8 => registers.R8,
            Register.R9 => registers.R9,
            Register.R10 => registers.R10,
            Register.R11 => registers.R11,
            Register.R12 => registers.R12,
            Register.R13 => registers.R13,
            Register.R14 => registers.R14,
            Register.R15 => registers.R15,
            _ => throw new ArgumentOutOfRangeException(nameof(register), register, "A branch operand names general registers only."),
        };
        return register.GetSize() == sizeof(uint) ? (uint)full : full;
    }
}
