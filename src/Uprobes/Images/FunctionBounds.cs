namespace Uprobes.Images;

/// <summary>The function that holds a byte of the file.</summary>
/// <param name="Start">Its first byte.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Name">Its preferred raw name, or null where nothing names it (stripped files).</param>
public readonly record struct FunctionBounds(FileOffset Start, ulong Size, string? Name)
{
    /// <summary>The first byte after it.</summary>
    public FileOffset End => Start + Size;

    /// <summary>Whether a byte belongs to it.</summary>
    public bool Contains(FileOffset offset) => offset >= Start && offset.Value - Start.Value < Size;
}
