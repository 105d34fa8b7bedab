namespace Uprobes.Arming.Inline.X64;

/// <summary>
/// The only ways to a function, where these are branches and calls whose own bytes can lead elsewhere:
/// <code>
/// e8 rel32            call
/// e9 rel32            jmp
/// 0f 8x rel32         jcc
/// </code>
/// So it is with what compilers have split off a function because it rarely runs. Wherever anything else may come to the first instruction there is no answer: a
/// pointer in data, a jump table, a name that other files find, an address in an instruction, a jump that is computed, a landing pad of
/// exceptions, a short branch, or the instruction in front.
/// </summary>
/// <param name="analysis">Of the image.</param>
internal sealed class Entrances(ImageAnalysis analysis)
{
    private const int LongestPadding = 64;
    private const ulong PageBytes = 4096;
    private readonly bool _mayHaveLandingPads = analysis.Image.Sections.Count == 0
        || analysis.Image.Sections.Any(section => section.Name.StartsWith(".gcc_except_table", StringComparison.Ordinal));

    /// <summary>All that leads to the start of a function, by address; null where there may be more, or something that cannot be led elsewhere.</summary>
    /// <param name="start">Link-time address.</param>
    public IReadOnlyList<DirectBranch>? Find(ulong start)
    {
        if (_mayHaveLandingPads || !analysis.Bytes.TryFindCode(start, out LoadedPiece piece, out int index)
            || piece.IsPointed(index) || !piece.IsBranched(index) || analysis.IsShortBranchTarget(piece, index) || MayComeFromInFront(piece, index)
            || analysis.MayJumpAnywhere(start))
            return null;
        var found = new SortedDictionary<ulong, DirectBranch>();
        foreach (ulong source in analysis.SourcesOf(start))
        {
            if (analysis.FunctionAt(source) is not { IsSound: true } function || function.BranchFrom(source, start) is not { } branch
                || !CanLeadElsewhere(branch) || analysis.MayJumpAnywhere(source))
                return null;
            found[branch.Source] = branch;
        }

        return found.Count > 0 ? [.. found.Values] : null;
    }

    /// <summary>
    /// Whether the code in front may go on into a function. It does not behind a call that is a function's last instruction: that does not return, since
    /// there is nothing to return to.
    /// </summary>
    private bool MayComeFromInFront(LoadedPiece piece, int index)
    {
        for (int at = index - 1; at >= 0 && at >= index - LongestPadding; at--)
        {
            if (analysis.FunctionAt(piece.Address + (ulong)at) is not { } function)
                continue;
            int end = (int)(function.End - piece.Address);
            return !function.IsSound || end > index || !(function.EndsControl || function.EndsInCall) || PaddingBytes.EndOf(piece, end, index) != index;
        }

        return true;
    }

    private bool CanLeadElsewhere(in DirectBranch branch)
    {
        // All of it in one page, so that it is either as it was or as it is to be.
        if (!analysis.Bytes.TryFindCode(branch.Source, out LoadedPiece piece, out int index) || PageBytes - (branch.Source % PageBytes) < (ulong)branch.Length)
            return false;
        byte[] bytes = piece.Bytes;
        return (branch.Length == 5 && bytes[index] is 0xE8 or 0xE9) || (branch.Length == 6 && bytes[index] == 0x0F && (bytes[index + 1] & 0xF0) == 0x80);
    }
}
