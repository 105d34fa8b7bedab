using Iced.Intel;

namespace Uprobes.Arming.Inline.X64;

/// <summary>What assemblers and linkers fill the space between pieces of code with.</summary>
internal static class PaddingBytes
{
    /// <summary>Whether an instruction is such: a no-operation of any length, or a breakpoint.</summary>
    public static bool IsPadding(in Instruction instruction) => instruction.Mnemonic is Mnemonic.Nop or Mnemonic.Int3
        || IsEmptyLoadAddress(instruction);

    /// <summary>
    /// The first byte behind the padding that starts at an index: whole instructions only. Zeros do not count: a table behind a function can start
    /// with them.
    /// </summary>
    /// <param name="piece">The code.</param>
    /// <param name="start">Index of the first byte that may be padding.</param>
    /// <param name="limit">Index behind the last.</param>
    public static int EndOf(LoadedPiece piece, int start, int limit)
    {
        if (start >= limit)
            return start;
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(piece.Bytes, start, limit - start), piece.Address + (ulong)start);
        int end = start;
        while (end < limit)
        {
            decoder.Decode(out Instruction instruction);
            if (instruction.IsInvalid || !IsPadding(instruction))
                break;
            end += instruction.Length;
        }

        return end;
    }

    /// <summary><c>lea 0(%rsi), %rsi</c> in its longer forms, which older assemblers used.</summary>
    private static bool IsEmptyLoadAddress(in Instruction instruction) => instruction.Code == Code.Lea_r64_m
        && instruction.MemoryBase == instruction.Op0Register && instruction.MemoryIndex == Register.None && instruction.MemoryDisplacement64 == 0;
}
