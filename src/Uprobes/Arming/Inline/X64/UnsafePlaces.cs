using Uprobes.Arming.X64;
using Uprobes.Images;

namespace Uprobes.Arming.Inline.X64;

/// <summary>Code in which a jump to a trampoline does harm whatever its instructions are.</summary>
internal static class UnsafePlaces
{
    private const int SignalReturnBytes = SignalReturn.SyscallOffset + 2;
    private static ReadOnlySpan<byte> SyscallBytes => [0x0F, 0x05];

    /// <summary>The reason against displacing a range, or null.</summary>
    /// <param name="analysis">Of the image.</param>
    /// <param name="piece">The code.</param>
    /// <param name="index">Index of the site.</param>
    /// <param name="range">What would be displaced there.</param>
    public static PatchRefusal? Judge(ImageAnalysis analysis, LoadedPiece piece, int index, DisplacedRange range)
    {
        ulong site = piece.Address + (ulong)index;
        for (int at = 0; at < range.Length; at++)
        {
            if (analysis.Image.RestartableSequences.Cover(new FileOffset(piece.Offset + (ulong)(index + at))))
                return new(PatchRefusalReason.RestartableSequence, $"0x{site + (ulong)at:x} is in the critical section of a restartable sequence");
            if (index + at < piece.Bytes.Length && CoversSignalReturn(piece, index + at))
                return new(PatchRefusalReason.SignalReturn, $"0x{site + (ulong)at:x} is in the signal return sequence that unwinders recognise by its bytes");
        }

        return JudgeProcessStart(analysis, site) ?? JudgeLazyBinding(analysis, piece, index) ?? JudgeClone(analysis, piece, index, range);
    }

    private static bool CoversSignalReturn(LoadedPiece piece, int index)
    {
        int start = Math.Max(0, index - SignalReturnBytes);
        int end = Math.Min(piece.Bytes.Length, index + SignalReturnBytes);
        return SignalReturn.Covers(piece.Bytes.AsSpan(start, end - start), index - start);
    }

    private static PatchRefusal? JudgeProcessStart(ImageAnalysis analysis, ulong site)
    {
        ulong entry = analysis.Image.EntryPoint.Value;
        if (entry == 0 || site - entry >= 256 || (site != entry && analysis.FunctionAt(site)?.Start != entry))
            return null;
        return new(PatchRefusalReason.ProcessStart, "the first code of a process has no caller, and unwinders end at it by its address");
    }

    /// <summary>
    /// glibc's <c>_dl_runtime_resolve_*</c> runs between a call and its callee, with two words more on the stack than a function. They are
    /// known by saving the vector registers, which nothing else in a dynamic linker does but the resolver of thread-local storage, of the same kind.
    /// </summary>
    private static PatchRefusal? JudgeLazyBinding(ImageAnalysis analysis, LoadedPiece piece, int index)
    {
        ElfImage image = analysis.Image;
        bool isLinker = image.Soname?.StartsWith("ld-", StringComparison.Ordinal) == true;
        bool isStatic = image.Soname is null && image.Interpreter is null;
        if (!(isLinker || isStatic) || analysis.FunctionAt(piece.Address + (ulong)index) is not { SavesVectorState: true })
            return null;
        return new(PatchRefusalReason.LazyBinding, "the function saves all vector registers, as lazy binding does between a call and its callee");
    }

    private static PatchRefusal? JudgeClone(ImageAnalysis analysis, LoadedPiece piece, int index, DisplacedRange range)
    {
        ulong site = piece.Address + (ulong)index, end = site + (ulong)range.Length;
        int from = Math.Max(0, index - 256), to = Math.Min(piece.Bytes.Length, index + range.Length);
        if (piece.Bytes.AsSpan(from, to - from).IndexOf(SyscallBytes) < 0)
            return null;
        if (analysis.FunctionAt(site)?.CloneCall is not { } call || call >= end)
            return null;
        return new(PatchRefusalReason.CloneChild, $"a child or a thread starts behind the system call at 0x{call:x}, on a stack that is not its own or is empty");
    }
}
