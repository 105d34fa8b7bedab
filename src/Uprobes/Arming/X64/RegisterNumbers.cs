using Uprobes.Linux;

namespace Uprobes.Arming.X64;

/// <summary>General registers by the processor's numbers (Intel SDM volume 2, table 3-1).</summary>
internal static class RegisterNumbers
{
    /// <summary>The register of a number from 0 to 15.</summary>
    internal static ulong Read(in UserRegisters registers, int number) => number switch
    {
        0 => registers.Rax,
        1 => registers.Rcx,
        2 => registers.Rdx,
        3 => registers.Rbx,
        4 => registers.Rsp,
        5 => registers.Rbp,
        6 => registers.Rsi,
        7 => registers.Rdi,
        8 => registers.R8,
        9 => registers.R9,
        10 => registers.R10,
        11 => registers.R11,
        12 => registers.R12,
        13 => registers.R13,
        14 => registers.R14,
        15 => registers.R15,
        _ => throw new ArgumentOutOfRangeException(nameof(number)),
    };
}
