using Uprobes.Programs.X64;

namespace Uprobes.Arming.Inline.X64;

/// <summary>A return program's code for one probe, as it is in the tracee.</summary>
/// <param name="Start">Where it begins.</param>
/// <param name="Code">The bytes.</param>
internal sealed record ReturnStub(ulong Start, byte[] Code)
{
    private const int Overhead = 32, LastJumpSize = 14;

    /// <summary>Where it ends: a jump to where all return programs end.</summary>
    internal ulong LastJump => Start + (ulong)(Code.Length - LastJumpSize);

    internal bool Contains(ulong address) => address - Start < (ulong)Code.Length;

    internal static int MostBytes(ProgramCode program) => program.Code.Length + Overhead;

    /// <summary>
    /// <code>
    ///     movzbl flag(%rip), %ecx         0f b6 0d rel32
    ///     jrcxz  .+4                      e3 02
    ///     jmp    .+7                      eb 05
    ///     jmp    out                      e9 rel32
    ///     (program)
    /// out: jmp   *0(%rip)                 ff 25 00000000
    ///     .quad  finish
    /// </code>
    /// </summary>
    internal static ReturnStub Build(PlacedProgram program, ulong start, ulong finish)
    {
        List<byte> code = [0x0F, 0xB6, 0x0D];
        code.AddRange(BitConverter.GetBytes((int)(program.Flag - (start + 7))));
        code.AddRange([0xE3, 0x02, 0xEB, 0x05, 0xE9]);
        code.AddRange(BitConverter.GetBytes(program.Code.Code.Length));
        TrampolineBuilder.AppendProgram(code, program);
        code.AddRange([0xFF, 0x25, 0, 0, 0, 0]);
        code.AddRange(BitConverter.GetBytes(finish));
        return new ReturnStub(start, [.. code]);
    }
}
