using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Iced.Intel;

namespace Uprobes.Arming.X64;

/// <summary>
/// Instructions that go into the slot byte for byte, at most with another displacement. Encoding them anew would
/// lose redundant prefixes and choose other forms; a copy cannot.
/// </summary>
internal static class CopyRelocation
{
    /// <summary>
    /// <code>
    /// (copy)
    /// jmp  next
    /// </code>
    /// </summary>
    public static bool TryStraightLine(SlotCodeBuilder slot, DisplacedInstruction displaced, [NotNullWhen(false)] out RelocationRefusal? refusal)
    {
        slot.BoundaryBefore();
        if (!TryCopy(slot, displaced, displaced.Bytes, out refusal))
            return false;
        slot.Leave(displaced.Next);
        return true;
    }

    /// <summary><c>ret</c>, <c>ret imm16</c>, <c>jmp r/m64</c>: the copy goes where the original went, and nothing follows it.</summary>
    public static bool TryTransfer(SlotCodeBuilder slot, DisplacedInstruction displaced, [NotNullWhen(false)] out RelocationRefusal? refusal)
    {
        slot.BoundaryBefore();
        return TryCopy(slot, displaced, displaced.Bytes, out refusal);
    }

    /// <summary>
    /// The kernel leaves the address after <c>syscall</c> in RCX, for a child process too; only code in the slot can
    /// set that right in a child that nobody traces. Flags stay, being in R11 as well.
    /// <code>
    /// 0f 05               syscall
    /// 48 b9 imm64         movabs $next, %rcx
    /// e9 rel32            jmp    next
    /// </code>
    /// To restart a system call the kernel moves RIP back by two bytes. With redundant prefixes that is not the slot's
    /// start, so it gets a boundary of its own.
    /// </summary>
    public static void Syscall(SlotCodeBuilder slot, DisplacedInstruction displaced)
    {
        slot.BoundaryBefore();
        slot.Write(displaced.Bytes);
        int restart = displaced.Bytes.Length - 2;
        if (restart > 0)
            slot.BoundaryInside(restart, displaced.Address + (ulong)restart);
        slot.BoundaryAfter(displaced.Next, fixRcx: true);
        slot.Write(0x48, 0xB9);
        slot.Write64(displaced.Next);
        slot.Leave(displaced.Next);
    }

    /// <summary>
    /// Appends <paramref name="bytes"/>, which are the displaced instruction or differ from it in the opcode only, with
    /// the displacement of a RIP-relative operand corrected for the place where they now stand.
    /// </summary>
    public static bool TryCopy(
        SlotCodeBuilder slot, DisplacedInstruction displaced, ReadOnlySpan<byte> bytes, [NotNullWhen(false)] out RelocationRefusal? refusal)
    {
        ref readonly Instruction instruction = ref displaced.Decoded;
        refusal = null;
        if (!instruction.IsIPRelativeMemoryOperand)
        {
            slot.Write(bytes);
            return true;
        }

        ulong next = slot.Here + (ulong)bytes.Length;
        ulong operand = instruction.IPRelativeMemoryAddress;
        bool reaches = SlotCodeBuilder.Reaches(next, operand, out uint distance);
        // With prefix 67 the sum is cut to 32 bits, so the low half of the distance is all that counts.
        if (!reaches && instruction.MemoryBase != Register.EIP)
        {
            refusal = displaced.Refuse(RelocationRefusalReason.OutOfReach,
                $"has a RIP-relative operand at 0x{operand:x}, more than 2 GiB away from the slot at 0x{slot.Here:x}");
            return false;
        }

        Span<byte> copy = stackalloc byte[DisplacedInstruction.MaximumLength];
        copy = copy[..bytes.Length];
        bytes.CopyTo(copy);
        BinaryPrimitives.WriteUInt32LittleEndian(copy[displaced.Offsets.DisplacementOffset..], distance);
        slot.Write(copy);
        return true;
    }
}
