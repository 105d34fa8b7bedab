using Iced.Intel;

namespace Uprobes.Programs.X64;

/// <summary>A general register, in all its widths.</summary>
/// <param name="Number">The processor's number, 0 to 15.</param>
internal readonly record struct Gpr(int Number)
{
    private static readonly AssemblerRegister64[] Quads =
    [
        AssemblerRegisters.rax, AssemblerRegisters.rcx, AssemblerRegisters.rdx, AssemblerRegisters.rbx,
        AssemblerRegisters.rsp, AssemblerRegisters.rbp, AssemblerRegisters.rsi, AssemblerRegisters.rdi,
        AssemblerRegisters.r8, AssemblerRegisters.r9, AssemblerRegisters.r10, AssemblerRegisters.r11,
        AssemblerRegisters.r12, AssemblerRegisters.r13, AssemblerRegisters.r14, AssemblerRegisters.r15,
    ];

    private static readonly AssemblerRegister32[] Doubles =
    [
        AssemblerRegisters.eax, AssemblerRegisters.ecx, AssemblerRegisters.edx, AssemblerRegisters.ebx,
        AssemblerRegisters.esp, AssemblerRegisters.ebp, AssemblerRegisters.esi, AssemblerRegisters.edi,
        AssemblerRegisters.r8d, AssemblerRegisters.r9d, AssemblerRegisters.r10d, AssemblerRegisters.r11d,
        AssemblerRegisters.r12d, AssemblerRegisters.r13d, AssemblerRegisters.r14d, AssemblerRegisters.r15d,
    ];

    private static readonly AssemblerRegister16[] Words =
    [
        AssemblerRegisters.ax, AssemblerRegisters.cx, AssemblerRegisters.dx, AssemblerRegisters.bx,
        AssemblerRegisters.sp, AssemblerRegisters.bp, AssemblerRegisters.si, AssemblerRegisters.di,
        AssemblerRegisters.r8w, AssemblerRegisters.r9w, AssemblerRegisters.r10w, AssemblerRegisters.r11w,
        AssemblerRegisters.r12w, AssemblerRegisters.r13w, AssemblerRegisters.r14w, AssemblerRegisters.r15w,
    ];

    private static readonly AssemblerRegister8[] Bytes =
    [
        AssemblerRegisters.al, AssemblerRegisters.cl, AssemblerRegisters.dl, AssemblerRegisters.bl,
        AssemblerRegisters.spl, AssemblerRegisters.bpl, AssemblerRegisters.sil, AssemblerRegisters.dil,
        AssemblerRegisters.r8b, AssemblerRegisters.r9b, AssemblerRegisters.r10b, AssemblerRegisters.r11b,
        AssemblerRegisters.r12b, AssemblerRegisters.r13b, AssemblerRegisters.r14b, AssemblerRegisters.r15b,
    ];

    internal static Gpr Rax => new(0);

    internal static Gpr Rcx => new(1);

    internal static Gpr Rdx => new(2);

    internal static Gpr Rbx => new(3);

    internal static Gpr Rsp => new(4);

    internal static Gpr Rbp => new(5);

    internal static Gpr Rsi => new(6);

    internal static Gpr Rdi => new(7);

    internal static Gpr R8 => new(8);

    internal static Gpr R9 => new(9);

    internal static Gpr R10 => new(10);

    internal static Gpr R11 => new(11);

    /// <summary>The registers of the System V calling convention's first six integer arguments, in order.</summary>
    internal static ReadOnlySpan<byte> ArgumentNumbers => [7, 6, 2, 1, 8, 9];

    /// <summary>All 64 bits.</summary>
    internal AssemblerRegister64 Q => Quads[Number];

    /// <summary>The lower 32 bits.</summary>
    internal AssemblerRegister32 D => Doubles[Number];

    /// <summary>The lower 16 bits.</summary>
    internal AssemblerRegister16 W => Words[Number];

    /// <summary>The lower 8 bits.</summary>
    internal AssemblerRegister8 B => Bytes[Number];

    /// <summary>A set with only this register.</summary>
    internal RegisterSet Alone => new((ushort)(1 << Number));
}
