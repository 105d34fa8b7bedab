using System.Buffers.Binary;
using Iced.Intel;

namespace Uprobes.Arming.Trap.X64;

/// <summary>Finds system calls of some numbers in code whose function bounds are not known. Pure.</summary>
internal static class SystemCallFinder
{
    private const byte MoveToEax = 0xB8;
    private const int MoveLength = 5;
    private static ReadOnlySpan<byte> SystemCall => [0x0F, 0x05];

    /// <summary>
    /// How many instructions may stand between the number and the call: glibc's wrappers have none, musl's up to three, which put
    /// arguments into their registers.
    /// </summary>
    private const int MostBetween = 4;

    /// <summary>Bytes behind a block's end that are looked at for a call that begins before it.</summary>
    internal const int Overlap = MoveLength + (MostBetween * 15) + 2;

    /// <summary>
    /// Each <c>mov eax, number; ...; syscall</c> whose mov starts in the first <paramref name="length"/> bytes: the position right behind it, and its number.
    /// </summary>
    /// <param name="code">The code.</param>
    /// <param name="available">How many of its bytes there are.</param>
    /// <param name="length">Where a mov may start.</param>
    /// <param name="numbers">The numbers of interest.</param>
    internal static List<(int Position, int Number)> Find(byte[] code, int available, int length, ReadOnlySpan<int> numbers)
    {
        List<(int, int)> found = [];
        int at = 0;
        for (int next; (next = code.AsSpan(at, available - at).IndexOf(SystemCall)) >= 0; at += next + 1)
        {
            // System calls are few, so that to look back from each takes less than to look for the numbers.
            int end = at + next + SystemCall.Length;
            for (int start = Math.Max(0, end - Overlap); start <= Math.Min(length - 1, end - SystemCall.Length - MoveLength); start++)
            {
                if (code[start] == MoveToEax && BinaryPrimitives.ReadInt32LittleEndian(code.AsSpan(start + 1)) is var number && numbers.Contains(number)
                    && EndOfCall(code, start + MoveLength, available) == end)
                    found.Add((end, number));
            }
        }

        return found;
    }

    /// <summary>Where the instruction behind the system call starts, or null when other code follows.</summary>
    private static int? EndOfCall(byte[] code, int start, int available)
    {
        Decoder decoder = Decoder.Create(64, new ByteArrayCodeReader(code, start, Math.Max(0, available - start)));
        for (int i = 0; i <= MostBetween; i++)
        {
            decoder.Decode(out Instruction instruction);
            if (instruction.Code == Code.Syscall)
                return start + (int)decoder.IP;
            if (instruction.IsInvalid || instruction.FlowControl != FlowControl.Next || WritesNumber(instruction))
                return null;
        }

        return null;
    }

    private static bool WritesNumber(in Instruction instruction) =>
        instruction.OpCount > 0 && instruction.Op0Kind == OpKind.Register && instruction.Op0Register.GetFullRegister() == Register.RAX
        && instruction.Mnemonic is not (Mnemonic.Cmp or Mnemonic.Test or Mnemonic.Push);
}
