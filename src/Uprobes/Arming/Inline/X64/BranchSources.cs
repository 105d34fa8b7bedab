namespace Uprobes.Arming.Inline.X64;

/// <summary>Finds which of the places that <see cref="BranchScan"/> finds lead to certain addresses.</summary>
internal struct BranchSources : IBranchVisitor
{
    private readonly LoadedPiece _piece;
    private readonly Dictionary<ulong, List<ulong>> _sources;
    private readonly ulong _least;
    private readonly ulong _span;

    private BranchSources(LoadedPiece piece, Dictionary<ulong, List<ulong>> sources)
    {
        (_piece, _sources) = (piece, sources);
        _least = sources.Keys.Min();
        _span = sources.Keys.Max() - _least;
    }

    /// <summary>Adds all of one piece of code.</summary>
    /// <param name="piece">The code.</param>
    /// <param name="sources">By the addresses of interest, at least one; takes the addresses of the bytes before the distances.</param>
    public static void Run(LoadedPiece piece, Dictionary<ulong, List<ulong>> sources)
    {
        var visitor = new BranchSources(piece, sources);
        BranchScan.Run(piece.Bytes, ref visitor);
    }

    /// <inheritdoc/>
    public readonly void Visit(int opcodeEnd)
    {
        ulong source = _piece.Address + (ulong)opcodeEnd;
        ulong target = source + 5 + (ulong)_piece.Int32At(opcodeEnd + 1);
        if (target - _least <= _span && _sources.TryGetValue(target, out List<ulong>? found))
            found.Add(source);
    }
}
