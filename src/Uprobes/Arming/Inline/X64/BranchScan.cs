using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Uprobes.Arming.Inline.X64;

/// <summary>Takes what <see cref="BranchScan"/> finds.</summary>
internal interface IBranchVisitor
{
    /// <summary>Four bytes that may be a distance from the byte after them.</summary>
    /// <param name="opcodeEnd">Index of the byte before them: the last of the opcode, or the ModR/M byte of <c>lea</c>.</param>
    void Visit(int opcodeEnd);
}

/// <summary>
/// Finds every place in code whose bytes can be read as <c>call</c>, <c>jmp</c> or <c>jcc</c> with a 32-bit distance, or as <c>lea</c> of
/// a RIP-relative address, at every byte offset:
/// <code>
/// e8 rel32            call
/// e9 rel32            jmp
/// 0f 8x rel32         jcc
/// 8d mod=0 rm=5       lea  disp32(%rip), reg
/// </code>
/// All real instructions are among them, also those in code that no symbol or table describes, so what none of them leads to, no such
/// instruction leads to. The rest are accidents in the middle of instructions or in data.
/// </summary>
internal static class BranchScan
{
    private const int DistanceBytes = 4;

    /// <summary>Visits all in ascending order.</summary>
    public static void Run<TVisitor>(ReadOnlySpan<byte> code, ref TVisitor visitor)
        where TVisitor : struct, IBranchVisitor
    {
        int end = code.Length - DistanceBytes; // no opcode can end here or later
        int index = 0;
        if (end > 0 && IsCandidate(0, code[0]))
            visitor.Visit(0);
        ref byte first = ref MemoryMarshal.GetReference(code);
        for (index = 1; index + Vector256<byte>.Count <= end; index += Vector256<byte>.Count)
        {
            Vector256<byte> bytes = Vector256.LoadUnsafe(ref first, (nuint)index);
            Vector256<byte> before = Vector256.LoadUnsafe(ref first, (nuint)index - 1);
            Vector256<byte> jumps = Vector256.Equals(bytes & Vector256.Create((byte)0xFE), Vector256.Create((byte)0xE8));
            Vector256<byte> conditional = Vector256.Equals(bytes & Vector256.Create((byte)0xF0), Vector256.Create((byte)0x80))
                & Vector256.Equals(before, Vector256.Create((byte)0x0F));
            Vector256<byte> addresses = Vector256.Equals(bytes & Vector256.Create((byte)0xC7), Vector256.Create((byte)0x05))
                & Vector256.Equals(before, Vector256.Create((byte)0x8D));
            for (uint found = (jumps | conditional | addresses).ExtractMostSignificantBits(); found != 0; found &= found - 1)
                visitor.Visit(index + BitOperations.TrailingZeroCount(found));
        }

        for (; index < end; index++)
        {
            if (IsCandidate(code[index - 1], code[index]))
                visitor.Visit(index);
        }
    }

    /// <summary>Whether the bytes before a distance are those of <c>lea</c>; only for what <see cref="Run"/> found.</summary>
    public static bool IsLoadAddress(byte opcodeEnd) => (opcodeEnd & 0xC7) == 0x05;

    /// <summary>
    /// Whether a byte can be the opcode of a branch with an 8-bit distance: <c>jcc</c>, <c>jmp</c>, <c>loop</c>, <c>loope</c>, <c>loopne</c>, <c>jrcxz</c>.
    /// </summary>
    public static bool IsShortBranch(byte opcode) => (opcode & 0xF0) == 0x70 || opcode == 0xEB || (opcode & 0xFC) == 0xE0;

    private static bool IsCandidate(byte before, byte opcodeEnd) => (opcodeEnd & 0xFE) == 0xE8
        || ((opcodeEnd & 0xF0) == 0x80 && before == 0x0F) || ((opcodeEnd & 0xC7) == 0x05 && before == 0x8D);
}
