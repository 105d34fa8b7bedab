namespace Uprobes.Arming.Inline.X64;

/// <summary>Marks what the addresses that <see cref="WordScan"/> finds in code lead to.</summary>
/// <param name="target">The code that they are in the range of.</param>
internal readonly struct WordMarks(LoadedPiece target) : IWordVisitor
{
    /// <inheritdoc/>
    public void Visit(int index, uint distance) => target.MarkBranched((int)distance);
}
