namespace Uprobes.Images.CallFrames;

/// <summary>What several entries of call frame information have in common (a CIE; DWARF 5, 6.4.1, and LSB "Exception Frames").</summary>
/// <param name="Instructions">Where its instructions start in the section.</param>
/// <param name="InstructionsEnd">Where they end.</param>
/// <param name="CodeAlignment">Advances of the location are multiples of this.</param>
/// <param name="DataAlignment">Most offsets are multiples of this.</param>
/// <param name="ReturnRegister">The column of the return address.</param>
/// <param name="Encoding">How entries write their start (DW_EH_PE).</param>
/// <param name="HasAugmentationData">Whether entries bring augmentation data of a stated size.</param>
/// <param name="IsSignalFrame">Whether the frames were not called but interrupted something ("S").</param>
internal sealed record CommonFrame(
    int Instructions, int InstructionsEnd, ulong CodeAlignment, long DataAlignment, ulong ReturnRegister, byte Encoding, bool HasAugmentationData, bool IsSignalFrame);

/// <summary>The call frame information of a range of code (an FDE).</summary>
/// <param name="Start">The first link-time address.</param>
/// <param name="End">The first behind it.</param>
/// <param name="Common">What it shares with others.</param>
/// <param name="Instructions">Where its instructions start in the section.</param>
/// <param name="InstructionsEnd">Where they end.</param>
internal readonly record struct FrameEntry(ulong Start, ulong End, CommonFrame Common, int Instructions, int InstructionsEnd)
{
    /// <summary>Whether the address is in the range.</summary>
    internal bool Contains(ulong address) => address >= Start && address < End;
}
