using System.Buffers.Binary;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>Finds the instruction that called a function, where what it calls can be read from it.</summary>
internal static class DirectCalls
{
    private const int RelativeLength = 5, IndirectLength = 6;

    /// <summary>
    /// Finds <c>call function</c>, a call of a linkage stub that jumps to it, or <c>call *slot(%rip)</c> of a slot that holds
    /// it, right before a return address. That other bytes look so and lead to the very function cannot happen by chance.
    /// </summary>
    internal static bool TryFind(SpaceArming space, ulong returnAddress, ulong function, out ulong call)
    {
        Span<byte> code = stackalloc byte[IndirectLength];
        call = 0;
        if (!space.TryReadOriginal(returnAddress - IndirectLength, code))
            return false;
        ulong operand = returnAddress + (ulong)BinaryPrimitives.ReadInt32LittleEndian(code[2..]);
        if (code[1] == 0xE8 && (operand == function || StubTarget(space, operand) == function))
            call = returnAddress - RelativeLength;
        else if (code[0] == 0xFF && code[1] == 0x15 && space.TryReadWord(operand, out ulong target) && target == function)
            call = returnAddress - IndirectLength;
        return call != 0;
    }

    /// <summary>Where a linkage stub jumps: <c>[endbr64] [bnd] jmp *slot(%rip)</c>. 0 for other code.</summary>
    private static ulong StubTarget(SpaceArming space, ulong stub)
    {
        Span<byte> code = stackalloc byte[11];
        if (!space.TryReadOriginal(stub, code))
            return 0;
        int at = code.StartsWith((ReadOnlySpan<byte>)[0xF3, 0x0F, 0x1E, 0xFA]) ? 4 : 0;
        if (code[at] == 0xF2)
            at++;
        if (code[at] != 0xFF || code[at + 1] != 0x25)
            return 0;
        ulong slot = stub + (ulong)at + 6 + (ulong)BinaryPrimitives.ReadInt32LittleEndian(code[(at + 2)..]);
        return space.TryReadWord(slot, out ulong target) ? target : 0;
    }
}
