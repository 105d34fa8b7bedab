namespace Uprobes.Images.StaticProbes;

/// <summary>An argument of a static probe: an integer, and where it is found when the probe is hit.</summary>
/// <param name="Text">What the note says: size and place as the assembler writes it, such as <c>-4@%edi</c> or <c>8@-16(%rbp)</c>.</param>
/// <param name="Size">Bytes: 1, 2, 4 or 8; 0 where it cannot be read.</param>
/// <param name="IsSigned">Whether it has a sign.</param>
public sealed record StaticArgument(string Text, int Size, bool IsSigned)
{
    /// <summary>Why it cannot be read, as the end of a sentence about its text; null where it can be.</summary>
    public string? Problem { get; internal init; }

    /// <summary>Where it is; null where it cannot be read.</summary>
    internal StaticOperand? Operand { get; init; }
}
