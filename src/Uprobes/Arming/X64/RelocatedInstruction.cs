using System.Collections.Immutable;

namespace Uprobes.Arming.X64;

/// <summary>One displaced instruction as it has to stand at one destination address to do what it did at the site.</summary>
internal sealed record RelocatedInstruction
{
    /// <summary>The machine code; valid at the destination that it was made for, at most <see cref="InstructionRelocator.MaximumCodeLength"/> bytes.</summary>
    public required byte[] Code { get; init; }

    /// <summary>
    /// One for every instruction boundary of <see cref="Code"/>, ascending by offset, the first at offset 0; and one for
    /// the byte after each exit's int3, which may be the end of the code.
    /// </summary>
    public required ImmutableArray<SlotPosition> Positions { get; init; }

    /// <summary>The int3s that end the code; empty unless it was made to stop afterwards.</summary>
    public required ImmutableArray<SlotExit> Exits { get; init; }

    /// <summary>Bytes of the displaced instruction at the site.</summary>
    public required int OriginalLength { get; init; }
}
