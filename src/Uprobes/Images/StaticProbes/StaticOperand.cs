namespace Uprobes.Images.StaticProbes;

/// <summary>Where an argument of a static probe is.</summary>
internal abstract record StaticOperand;

/// <summary>Nowhere: the compiler knew it.</summary>
internal sealed record StaticConstant(long Value) : StaticOperand;

/// <summary>In a register.</summary>
/// <param name="Number">The processor's number, 0 to 15: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15.</param>
/// <param name="Bytes">How many of it, from the lowest on: 1, 2, 4 or 8.</param>
/// <param name="IsHigh">Whether it is the second lowest byte: ah, ch, dh, bh.</param>
internal sealed record StaticRegister(int Number, int Bytes, bool IsHigh = false) : StaticOperand;

/// <summary>In memory, at the sum of these.</summary>
/// <param name="Symbol">Something of the file, which moves with it; null for nothing.</param>
/// <param name="Base">A register's number, or null.</param>
/// <param name="Index">Another's, or null.</param>
/// <param name="Scale">What the second counts: 1, 2, 4 or 8.</param>
/// <param name="Displacement">Bytes.</param>
internal sealed record StaticMemory(LinkAddress? Symbol, int? Base, int? Index, int Scale, long Displacement) : StaticOperand;
