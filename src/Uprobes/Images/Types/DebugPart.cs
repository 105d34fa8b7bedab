namespace Uprobes.Images.Types;

/// <summary>
/// Units that have their sections in common: those of <c>.debug_info</c>, those of <c>.debug_types</c> (DWARF 4), and those of the file that several debug files share
/// (dwz). Their sections are kept one behind the other, so that an entry has one number whichever part it is of; this says where each begins.
/// </summary>
/// <param name="Start">Where its units begin.</param>
/// <param name="End">Where they end.</param>
internal sealed record DebugPart(int Start, int End)
{
    /// <summary>Where its abbreviations begin.</summary>
    internal int Abbreviations { get; init; }

    /// <summary>Where its texts are.</summary>
    internal Range Texts { get; init; } = 0..0;

    /// <summary>Where its texts of line tables are.</summary>
    internal Range LineTexts { get; init; } = 0..0;

    /// <summary>Where the units are that references from one unit into another mean.</summary>
    internal Range References { get; init; } = 0..0;

    /// <summary>Whether each unit is one type with a signature, whatever its version.</summary>
    internal bool HasSignatures { get; init; }

    /// <summary>Whether it is of a file that has no code of its own.</summary>
    internal bool IsShared { get; init; }

    /// <summary>What is shared with other debug files; null where there is no such file, or it was not found.</summary>
    internal DebugPart? Shared { get; init; }

    /// <summary>Where an offset of the part is, of which a range is its; null outside of that.</summary>
    internal static ulong? Within(Range range, ulong offset) => offset < (ulong)(range.End.Value - range.Start.Value) ? (ulong)range.Start.Value + offset : null;
}
