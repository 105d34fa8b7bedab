namespace Uprobes.Arming.Inline.X64;

/// <summary>Finds which of the places that <see cref="WordScan"/> finds hold certain addresses.</summary>
/// <param name="piece">The code that is searched.</param>
/// <param name="target">The code that the addresses are of.</param>
/// <param name="sources">By the addresses of interest; takes the addresses of the words.</param>
internal readonly struct WordSources(LoadedPiece piece, LoadedPiece target, Dictionary<ulong, List<ulong>> sources) : IWordVisitor
{
    /// <inheritdoc/>
    public void Visit(int index, uint distance)
    {
        if (sources.TryGetValue(target.Address + distance, out List<ulong>? found))
            found.Add(piece.Address + (ulong)index);
    }
}
