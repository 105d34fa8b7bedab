namespace Uprobes.Tests.Arming.X64;

/// <summary>
/// The addresses that instruction forms are made for and that insn_runner maps: all low, so that 32-bit
/// addressing reaches them, except the far slot.
/// </summary>
internal static class TestLayout
{
    public const ulong Data = 0x3000_0000, Stack = 0x3010_0000;
    public const ulong SitePage = 0x3100_0000, Site = SitePage + 0x400;

    /// <summary>As a flags image it has neither TF nor AC, for popf takes it from the stack.</summary>
    public const ulong TargetPage = 0x3200_0000, Target = TargetPage + 0x800;
    public const ulong NearSlotPage = 0x3300_0000, NearSlot = NearSlotPage + 0x510;
    public const ulong FarSlotPage = 0x7000_0000_0000, FarSlot = FarSlotPage + 0x7F0;

    /// <summary>RBX: the base of ordinary memory operands, aligned for every vector.</summary>
    public const ulong Operand = Data + 0x1000;

    /// <summary>R12: the index of memory operands.</summary>
    public const ulong Index = 16;

    /// <summary>R13: the base of memory operands that fault.</summary>
    public const ulong Unmapped = 0x10;

    /// <summary>RSP: the middle of the stack.</summary>
    public const ulong StackPointer = Stack + 0x2000;
}
