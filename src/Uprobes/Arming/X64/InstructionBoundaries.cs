using System.Collections;
using Iced.Intel;

namespace Uprobes.Arming.X64;

/// <summary>
/// The instruction boundaries of one function, found by decoding it once from its start; every question after that
/// is a bit test. Immutable; any thread.
/// </summary>
internal sealed class InstructionBoundaries
{
    private readonly BitArray _starts;
    private readonly int _decodedLength;

    private InstructionBoundaries(ulong start, BitArray starts, int decodedLength, int count)
    {
        Start = start;
        _starts = starts;
        _decodedLength = decodedLength;
        Count = count;
    }

    /// <summary>The function's first address, as it was given: a link address or one in a process.</summary>
    public ulong Start { get; }

    /// <summary>How many instructions were found.</summary>
    public int Count { get; }

    /// <summary>Whether the whole function decoded, so that no address in it is <see cref="BoundaryVerdict.Unknown"/>.</summary>
    public bool IsComplete => _decodedLength == _starts.Length;

    /// <summary>
    /// Decodes up to the end or to the first bytes that are no whole instruction. The original bytes must be given: an int3
    /// that a probe wrote hides the instruction below it.
    /// </summary>
    /// <param name="function">The function's bytes.</param>
    /// <param name="start">The address of the first of them.</param>
    public static InstructionBoundaries Decode(ReadOnlySpan<byte> function, ulong start)
    {
        var starts = new BitArray(function.Length);
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(function.ToArray()), start);
        int offset = 0;
        int count = 0;
        while (offset < function.Length)
        {
            decoder.Decode(out Instruction instruction);
            if (instruction.IsInvalid)
                break;
            starts[offset] = true;
            offset += instruction.Length;
            count++;
        }

        return new(start, starts, offset, count);
    }

    /// <summary>What stands at <paramref name="address"/>.</summary>
    /// <param name="address">An address of the same kind as <see cref="Start"/>.</param>
    public BoundaryVerdict At(ulong address)
    {
        ulong offset = unchecked(address - Start);
        if (offset >= (ulong)_decodedLength)
            return BoundaryVerdict.Unknown;
        return _starts[(int)offset] ? BoundaryVerdict.Boundary : BoundaryVerdict.InsideInstruction;
    }

    /// <summary>Whether an instruction is known to start at <paramref name="address"/>.</summary>
    public bool IsBoundary(ulong address) => At(address) == BoundaryVerdict.Boundary;
}
