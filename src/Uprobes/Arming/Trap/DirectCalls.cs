using System.Buffers.Binary;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>Tells whether the instruction before a return address is a direct call of a given function.</summary>
internal static class DirectCalls
{
    private const int CallLength = 5;

    /// <summary>True for <c>call function</c>, and for a call of a linkage stub that jumps to it.</summary>
    internal static bool Reach(SpaceArming space, ulong returnAddress, ulong function)
    {
        Span<byte> call = stackalloc byte[CallLength];
        if (!space.TryReadOriginal(returnAddress - CallLength, call) || call[0] != 0xE8)
            return false;
        ulong target = returnAddress + (ulong)BinaryPrimitives.ReadInt32LittleEndian(call[1..]);
        return target == function || StubTarget(space, target) == function;
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
