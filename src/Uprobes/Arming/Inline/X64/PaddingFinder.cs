namespace Uprobes.Arming.Inline.X64;

/// <summary>Finds unused padding: behind the ends of functions, and within functions behind jumps and returns.</summary>
/// <param name="analysis">Of the image.</param>
internal sealed class PaddingFinder(ImageAnalysis analysis)
{
    private readonly Dictionary<ulong, List<PaddingRun>> _byFunction = [];

    /// <summary>The address behind the unused padding that starts at an address, or the address itself where there is none.</summary>
    /// <param name="piece">The code.</param>
    /// <param name="index">Index of the byte behind an instruction that control does not go on behind.</param>
    public ulong EndOfPadding(LoadedPiece piece, int index)
    {
        ulong start = piece.Address + (ulong)index;
        int limit = analysis.NextStart(piece, index - 1);
        if (index >= limit)
            return start;
        int end = PaddingBytes.EndOf(piece, index, limit);
        // Bytes of no function that go on with anything else than the next function may be a table.
        bool isUnused = analysis.FunctionAt(start) is { } function ? function.IsSound : end == limit;
        if (!isUnused)
            return start;
        return Cut(new PaddingRun(start, piece.Address + (ulong)end)).End;
    }

    /// <summary>Adds the unused padding that has a byte in a range, ascending.</summary>
    /// <param name="piece">The code.</param>
    /// <param name="from">Index of the range's first byte.</param>
    /// <param name="to">Index behind its last.</param>
    public IEnumerable<PaddingRun> Within(LoadedPiece piece, int from, int to)
    {
        for (int at = FunctionBefore(piece, from); at < to;)
        {
            int next = analysis.NextStart(piece, at);
            foreach (PaddingRun run in RunsOf(piece, at, next))
            {
                if (run.End > piece.Address + (ulong)from && run.Start < piece.Address + (ulong)to)
                    yield return run;
            }

            at = next;
        }
    }

    /// <summary>Index of the start of the function that holds a byte or ends before it, or of the byte where there is none.</summary>
    private int FunctionBefore(LoadedPiece piece, int index)
    {
        // Padding is short: what is that far from any function is none.
        for (int at = index; at >= 0 && at > index - 64; at--)
        {
            if (analysis.FunctionAt(piece.Address + (ulong)at) is { } function)
                return (int)(function.Start - piece.Address);
        }

        return index;
    }

    private List<PaddingRun> RunsOf(LoadedPiece piece, int start, int next)
    {
        ulong address = piece.Address + (ulong)start;
        if (_byFunction.TryGetValue(address, out List<PaddingRun>? runs))
            return runs;
        runs = [];
        _byFunction.Add(address, runs);
        if (analysis.FunctionAt(address) is not { IsSound: true } function)
            return runs;
        foreach (PaddingRun run in function.Padding)
            Add(runs, run);
        if (function.EndsControl && function.End < piece.Address + (ulong)next)
        {
            int end = (int)(function.End - piece.Address);
            int stop = PaddingBytes.EndOf(piece, end, next);
            if (stop == next)
                Add(runs, new PaddingRun(function.End, piece.Address + (ulong)stop));
        }

        return runs;
    }

    private void Add(List<PaddingRun> runs, PaddingRun run)
    {
        PaddingRun unused = Cut(run);
        if (unused.End - unused.Start >= PatchPlan.JumpLength)
            runs.Add(unused);
    }

    /// <summary>The part of padding before the first byte that something leads to: from there on it runs.</summary>
    private PaddingRun Cut(PaddingRun run)
    {
        for (ulong at = run.Start; at < run.End; at += 64)
        {
            if (analysis.FindLanding(at, (int)Math.Min(64, run.End - at)) is { } landing)
                return run with { End = landing.Target };
        }

        return run;
    }
}
