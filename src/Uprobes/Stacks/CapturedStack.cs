using System.Buffers.Binary;
using Uprobes.Stacks.X64;

namespace Uprobes.Stacks;

/// <summary>What a program took of a thread on a hit: registers, and the bytes from the stack pointer on. Its contents are hostile.</summary>
internal readonly ref struct CapturedStack
{
    private readonly ulong _start;

    /// <summary>Takes what was captured.</summary>
    /// <param name="registers">At least rip and rsp; rbp, rbx and r12 to r15 where they can be had.</param>
    /// <param name="bytes">The memory from rsp on, as much as was captured.</param>
    /// <param name="isAtEntry">Whether rip is at the first instruction of a function: then the return address is at rsp, whatever is known of the code.</param>
    internal CapturedStack(scoped in StackRegisters registers, ReadOnlySpan<byte> bytes, bool isAtEntry = false)
    {
        Registers = registers;
        Bytes = bytes;
        IsAtEntry = isAtEntry;
        _start = registers[StackRegisters.Rsp];
    }

    internal StackRegisters Registers { get; }

    internal ReadOnlySpan<byte> Bytes { get; }

    internal bool IsAtEntry { get; }

    /// <summary>Whether the address is behind the bytes that were captured.</summary>
    internal bool EndsBefore(ulong address) => unchecked(address + 8) > _start + (ulong)Bytes.Length || address > ulong.MaxValue - 8;

    /// <summary>Reads a word of what was captured.</summary>
    internal bool TryReadWord(ulong address, out ulong value)
    {
        ulong offset = unchecked(address - _start);
        if (Bytes.Length < 8 || offset > (ulong)(Bytes.Length - 8))
        {
            value = 0;
            return false;
        }

        value = BinaryPrimitives.ReadUInt64LittleEndian(Bytes[(int)offset..]);
        return true;
    }

    /// <summary>Reads 1 to 8 bytes of what was captured as a number.</summary>
    internal bool TryRead(ulong address, int size, out ulong value)
    {
        value = 0;
        ulong offset = unchecked(address - _start);
        if (Bytes.Length < size || offset > (ulong)(Bytes.Length - size))
            return false;
        for (int i = 0; i < size; i++)
            value |= (ulong)Bytes[(int)offset + i] << (8 * i);
        return true;
    }
}
