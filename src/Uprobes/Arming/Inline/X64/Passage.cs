using System.Runtime.InteropServices;
using Iced.Intel;
using Uprobes.Linux;

namespace Uprobes.Arming.Inline.X64;

/// <summary>
/// A copy of a straight piece of code for one thread, which is to be stopped at its end, though other threads run in the code and the
/// tracer may be killed: so there is no breakpoint. The copy ends in a system call, which the tracer is told of, and which puts the thread's signal
/// mask back. Without a tracer the thread just goes on behind the piece, as itself.
/// </summary>
internal sealed class Passage
{
    private const int SetMask = 2, RtSigprocmask = 14, RedZone = 128, SavedWords = 7, CheckpointSize = 96, LongestInstruction = 15;
    private readonly Dictionary<ulong, ulong> _places;

    private Passage(ulong start, byte[] code, Dictionary<ulong, ulong> places, ulong stop) => (Start, Code, _places, Stop) = (start, code, places, stop);

    /// <summary>Where it is to be.</summary>
    internal ulong Start { get; }

    internal byte[] Code { get; }

    /// <summary>RIP in the stops at the system call's entry and exit.</summary>
    internal ulong Stop { get; }

    internal bool Contains(ulong address) => address - Start < (ulong)Code.Length;

    /// <summary>Bytes that the copy of a piece takes at most.</summary>
    internal static int MostBytes(int length) => (2 * length) + LongestInstruction + CheckpointSize;

    /// <summary>Makes the copy.</summary>
    /// <param name="piece">Nothing but instructions.</param>
    /// <param name="from">Where they are.</param>
    /// <param name="start">Where the copy is to be; within reach of all that the instructions refer to.</param>
    /// <param name="mask">The thread's signal mask.</param>
    /// <returns>Null where the piece is more than instructions.</returns>
    internal static Passage? Make(byte[] piece, ulong from, ulong start, ulong mask)
    {
        ulong end = from + (ulong)piece.Length;
        List<Instruction> instructions = [];
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(piece), from);
        while (decoder.IP < end)
        {
            decoder.Decode(out Instruction instruction);
            if (instruction.IsInvalid)
                return null;
            instructions.Add(instruction);
        }

        // What jumps to the end comes to the checkpoint.
        var last = Instruction.Create(Iced.Intel.Code.Nopd);
        last.IP = end;
        instructions.Add(last);
        using MemoryStream bytes = new();
        if (!BlockEncoder.TryEncode(64, new InstructionBlock(new StreamCodeWriter(bytes), instructions, start), out _, out BlockEncoderResult result,
            BlockEncoderOptions.ReturnNewInstructionOffsets))
            return null;
        Dictionary<ulong, ulong> places = [];
        for (int i = 0; i < instructions.Count; i++)
        {
            if (result.NewInstructionOffsets[i] != uint.MaxValue)
                places[instructions[i].IP] = start + result.NewInstructionOffsets[i];
        }

        int checkpoint = (int)bytes.Length;
        bytes.Write(Checkpoint(mask, end, out int stop));
        return new Passage(start, bytes.ToArray(), places, start + (ulong)(checkpoint + stop));
    }

    /// <summary>The place in the copy that is a place in the piece; null where no instruction begins there.</summary>
    internal ulong? CopyOf(ulong address) => _places.TryGetValue(address, out ulong copy) ? copy : null;

    /// <summary>The place in the piece that is a place in the copy; null where no instruction begins there.</summary>
    internal ulong? OriginalOf(ulong address)
    {
        foreach ((ulong original, ulong copy) in _places)
        {
            if (copy == address)
                return original;
        }

        return null;
    }

    /// <summary>Takes a thread that is stopped at the checkpoint back to the registers that it came with, but for RIP.</summary>
    /// <param name="registers">In and out.</param>
    /// <param name="read">Reads the thread's memory; returns how much could be read.</param>
    internal static bool TryUndo(ref UserRegisters registers, Func<ulong, byte[], int> read)
    {
        byte[] saved = new byte[SavedWords * sizeof(ulong)];
        if (read(registers.Rsp, saved) != saved.Length)
            return false;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(saved);
        (registers.R11, registers.R10, registers.Rdi, registers.Rsi, registers.Rdx, registers.Rcx, registers.Rax) =
            (words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
        registers.OrigRax = ulong.MaxValue;
        registers.Rsp += (ulong)saved.Length + RedZone;
        return true;
    }

    /// <summary>
    /// Flags are kept, the red zone is skipped.
    /// <code>
    ///     lea    -128(%rsp), %rsp         48 8d 64 24 80
    ///     push   %rax                     50
    ///     push   %rcx                     51
    ///     push   %rdx                     52
    ///     push   %rsi                     56
    ///     push   %rdi                     57
    ///     push   %r10                     41 52
    ///     push   %r11                     41 53
    ///     mov    $14, %eax                b8 imm32     rt_sigprocmask(SIG_SETMASK, mask, NULL, 8)
    ///     mov    $2, %edi                 bf imm32
    ///     lea    mask(%rip), %rsi         48 8d 35 rel32
    ///     mov    $0, %edx                 ba imm32
    ///     mov    $8, %r10d                41 ba imm32
    ///     syscall                         0f 05
    ///     pop    %r11                     41 5b
    ///     pop    %r10                     41 5a
    ///     pop    %rdi                     5f
    ///     pop    %rsi                     5e
    ///     pop    %rdx                     5a
    ///     pop    %rcx                     59
    ///     pop    %rax                     58
    ///     lea    128(%rsp), %rsp          48 8d a4 24 80 00 00 00
    ///     jmp    *end(%rip)               ff 25 rel32
    /// mask: .quad
    /// end:  .quad
    /// </code>
    /// </summary>
    private static byte[] Checkpoint(ulong mask, ulong end, out int stop)
    {
        List<byte> code = [0x48, 0x8D, 0x64, 0x24, 0x80, 0x50, 0x51, 0x52, 0x56, 0x57, 0x41, 0x52, 0x41, 0x53];
        code.AddRange([0xB8, RtSigprocmask, 0, 0, 0, 0xBF, SetMask, 0, 0, 0, 0x48, 0x8D, 0x35, 36, 0, 0, 0]);
        code.AddRange([0xBA, 0, 0, 0, 0, 0x41, 0xBA, sizeof(ulong), 0, 0, 0, 0x0F, 0x05]);
        stop = code.Count;
        code.AddRange([0x41, 0x5B, 0x41, 0x5A, 0x5F, 0x5E, 0x5A, 0x59, 0x58, 0x48, 0x8D, 0xA4, 0x24, 0x80, 0, 0, 0]);
        code.AddRange([0xFF, 0x25, sizeof(ulong), 0, 0, 0]);
        code.AddRange(BitConverter.GetBytes(mask));
        code.AddRange(BitConverter.GetBytes(end));
        return [.. code];
    }
}
