using Uprobes.Images;

namespace Uprobes.Stacks;

/// <summary>Code that a process had mapped.</summary>
/// <param name="Start">The first address.</param>
/// <param name="End">The first behind it.</param>
/// <param name="FileOffset">Where in the file the first is.</param>
/// <param name="Path">The file's path as the process's mappings show it; empty or in brackets for memory without a file.</param>
/// <param name="Image">The file, or null where it is none, is no image, or could not be opened.</param>
/// <param name="Problem">Why there is no image although a file was mapped, or null.</param>
internal sealed record MappedCode(ulong Start, ulong End, ulong FileOffset, string Path, ElfImage? Image, string? Problem = null)
{
    /// <summary>Whether the address is inside.</summary>
    internal bool Contains(ulong address) => address >= Start && address < End;

    /// <summary>The byte of the file at an address.</summary>
    internal FileOffset OffsetOf(ulong address) => new(address - Start + FileOffset);

    /// <summary>The link-time address of an address in the process; false where there is no image, or its segments do not cover it.</summary>
    internal bool TryGetLinkAddress(ulong address, out LinkAddress link)
    {
        link = default;
        return Image is not null && Image.TryGetAddress(OffsetOf(address), out link);
    }
}
