namespace Uprobes.Arming.Inline.X64;

/// <summary>Marks where everything that <see cref="BranchScan"/> finds leads to, and collects the jump tables among it.</summary>
internal struct BranchMarks : IBranchVisitor
{
    private readonly LoadedBytes _bytes;
    private readonly LoadedPiece _piece;
    private readonly List<ulong> _tables;

    private BranchMarks(LoadedBytes bytes, LoadedPiece piece, List<ulong> tables) => (_bytes, _piece, _tables) = (bytes, piece, tables);

    /// <summary>Marks all of one piece of code.</summary>
    /// <param name="bytes">Of the image.</param>
    /// <param name="piece">The code.</param>
    /// <param name="tables">Takes addresses whose loading was found and where a jump table can be (<see cref="JumpTables"/>); unsorted, with repetitions.</param>
    public static void Run(LoadedBytes bytes, LoadedPiece piece, List<ulong> tables)
    {
        var marks = new BranchMarks(bytes, piece, tables);
        BranchScan.Run(piece.Bytes, ref marks);
    }

    /// <inheritdoc/>
    public readonly void Visit(int opcodeEnd)
    {
        long target = opcodeEnd + 5L + _piece.Int32At(opcodeEnd + 1);
        if ((ulong)target < (ulong)_piece.Bytes.Length)
        {
            _piece.MarkBranched((int)target);
            if (BranchScan.IsLoadAddress(_piece.Bytes[opcodeEnd]) && JumpTables.IsEntry(_bytes, _piece, (int)target, out _, out _))
                _tables.Add(_piece.Address + (ulong)target);
        }
        else
        {
            VisitOutside(_piece.Address + (ulong)target, BranchScan.IsLoadAddress(_piece.Bytes[opcodeEnd]));
        }
    }

    private readonly void VisitOutside(ulong target, bool isLoad)
    {
        if (!_bytes.TryFind(target, out LoadedPiece piece, out int index))
            return;
        if (piece.IsExecutable)
            piece.MarkBranched(index);
        if (isLoad && JumpTables.IsEntry(_bytes, piece, index, out _, out _))
            _tables.Add(target);
    }
}
