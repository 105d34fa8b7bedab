namespace Uprobes.Arming.Inline.X64;

/// <summary>
/// The tables of <c>switch</c> and of computed <c>goto</c> in position-independent code: 32-bit distances from the table's own
/// start, which the code loads by a RIP-relative <c>lea</c>:
/// <code>
/// lea     table(%rip), %rdx
/// movslq  (%rdx,%rax,4), %rax
/// add     %rdx, %rax
/// jmp     *%rax
/// </code>
/// Every address that any code seems to load counts, wherever it lies, if what stands there leads into code; it need not be a table
/// that is really used. A table's length is not known: it goes on until an entry leads elsewhere or another table starts.
/// </summary>
internal static class JumpTables
{
    private const int EntryBytes = 4;

    /// <summary>Marks what the tables lead to.</summary>
    /// <param name="bytes">Of the image.</param>
    /// <param name="starts">Where tables can be, sorted, without repetitions.</param>
    public static void Mark(LoadedBytes bytes, IReadOnlyList<ulong> starts)
    {
        for (int i = 0; i < starts.Count; i++)
        {
            if (!bytes.TryFind(starts[i], out LoadedPiece table, out int start))
                continue;
            ulong end = i + 1 < starts.Count ? starts[i + 1] - table.Address : ulong.MaxValue;
            for (int at = start; (ulong)at < end && IsEntry(bytes, table, start, at, out LoadedPiece code, out int target); at += EntryBytes)
                code.MarkPointed(target);
        }
    }

    /// <summary>Whether the first entry of a table leads into code.</summary>
    public static bool IsEntry(LoadedBytes bytes, LoadedPiece table, int start, out LoadedPiece code, out int target) =>
        IsEntry(bytes, table, start, start, out code, out target);

    private static bool IsEntry(LoadedBytes bytes, LoadedPiece table, int start, int at, out LoadedPiece code, out int target)
    {
        (code, target) = (table, 0);
        return at <= table.Bytes.Length - EntryBytes
            && bytes.TryFindCode(table.Address + (ulong)(start + (long)table.Int32At(at)), out code, out target);
    }
}
