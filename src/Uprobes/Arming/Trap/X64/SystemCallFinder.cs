using System.Buffers.Binary;
using Iced.Intel;

namespace Uprobes.Arming.Trap.X64;

/// <summary>Finds system calls of one number in code whose function bounds are not known. Pure.</summary>
internal static class SystemCallFinder
{
    private const byte MoveToEax = 0xB8;
    private const int MoveLength = 5;

    /// <summary>
    /// How many instructions may stand between the number and the call: glibc's wrappers have none, musl's up to three, which put
    /// arguments into their registers.
    /// </summary>
    private const int MostBetween = 4;

    /// <summary>Bytes behind a block's end that are looked at for a call that begins before it.</summary>
    internal const int Overlap = MoveLength + (MostBetween * 15) + 2;

    /// <summary>Positions right behind each <c>mov eax, number; ...; syscall</c> whose mov starts in the first <paramref name="length"/> bytes.</summary>
    internal static List<int> Find(byte[] code, int available, int length, int number)
    {
        Span<byte> pattern = stackalloc byte[MoveLength];
        pattern[0] = MoveToEax;
        BinaryPrimitives.WriteInt32LittleEndian(pattern[1..], number);
        List<int> found = [];
        int at = 0;
        for (int next; (next = code.AsSpan(at, available - at).IndexOf(pattern)) >= 0; at += next + 1)
        {
            if (at + next >= length)
                break;
            if (EndOfCall(code, at + next + MoveLength, available) is { } end)
                found.Add(end);
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
