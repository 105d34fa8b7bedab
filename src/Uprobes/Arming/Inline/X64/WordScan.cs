using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Uprobes.Arming.Inline.X64;

/// <summary>Takes what <see cref="WordScan"/> finds.</summary>
internal interface IWordVisitor
{
    /// <summary>Four bytes whose value is in the range.</summary>
    /// <param name="index">Of the first of them.</param>
    /// <param name="distance">The value, counted from the start of the range.</param>
    void Visit(int index, uint distance);
}

/// <summary>
/// Finds every four bytes of code that can be an address in a range. In a file with a fixed address an instruction may hold addresses as they are:
/// <code>
/// b8+r imm32              mov   $label, reg
/// ff 24 c5 disp32         jmp   *table(,%rax,8)
/// </code>
/// </summary>
internal static class WordScan
{
    /// <summary>Visits all, in no order.</summary>
    /// <param name="bytes">Where to look, at every byte offset.</param>
    /// <param name="start">The first address of the range; only its low 32 bits count, which finds more than is there.</param>
    /// <param name="length">Of the range.</param>
    /// <param name="visitor">Takes what is found.</param>
    public static void Run<TVisitor>(ReadOnlySpan<byte> bytes, uint start, uint length, ref TVisitor visitor)
        where TVisitor : struct, IWordVisitor
    {
        Vector256<uint> starts = Vector256.Create(start), lengths = Vector256.Create(length);
        ref byte first = ref MemoryMarshal.GetReference(bytes);
        int index = 0;
        for (; index + Vector256<byte>.Count + 3 <= bytes.Length; index += Vector256<byte>.Count)
        {
            for (int shift = 0; shift < sizeof(uint); shift++)
            {
                Vector256<uint> distances = Vector256.LoadUnsafe(ref first, (nuint)(index + shift)).AsUInt32() - starts;
                for (uint found = Vector256.LessThan(distances, lengths).ExtractMostSignificantBits(); found != 0; found &= found - 1)
                {
                    int lane = BitOperations.TrailingZeroCount(found);
                    visitor.Visit(index + shift + (sizeof(uint) * lane), distances[lane]);
                }
            }
        }

        for (; index + sizeof(uint) <= bytes.Length; index++)
        {
            uint distance = MemoryMarshal.Read<uint>(bytes[index..]) - start;
            if (distance < length)
                visitor.Visit(index, distance);
        }
    }
}
