using System.Collections.Concurrent;
using Uprobes.Images;
using static Uprobes.Images.ElfConstants;

namespace Uprobes.Arming.Inline.X64;

/// <summary>
/// What the planner asks about the code of one image. Cheap to make; everything is read on first need and kept. Thread-safe. Addresses are
/// link-time addresses.
/// </summary>
/// <remarks>
/// The question is which bytes control may come to other than from the byte before. Answers err on the side of yes:
/// <list type="bullet">
/// <item>Branches and calls, wherever they are: all bytes are searched (<see cref="BranchScan"/>). What is found is believed unless the function that it is
/// in decodes soundly and has no such instruction.</item>
/// <item>Symbols, starts of unwind ranges, pointers in data (<see cref="CodePointers"/>), jump tables (<see cref="JumpTables"/>), loaded addresses.</item>
/// <item>Landing pads of exceptions need no look: unwinding alone leads to them, so nothing falls into one, and behind the first instruction of
/// a displaced range lies only what the one before falls into.</item>
/// <item>Computed jumps without a table are not answered here; <see cref="FunctionCode.HasUnknownJump"/> tells of them.</item>
/// </list>
/// </remarks>
internal sealed class ImageAnalysis
{
    private const ulong LongestFunction = 16 << 20;

    /// <summary>From so many on, several processors look at them.</summary>
    private const int ManyTargets = 256;
    private readonly Lazy<LoadedBytes> _bytes;
    private readonly Lazy<bool> _mindsFaults;
    private readonly ConcurrentDictionary<ulong, FunctionCode?> _functions = [];
    private readonly ConcurrentDictionary<ulong, ulong[]> _branchSources = [];

    /// <summary>Reads nothing yet.</summary>
    /// <param name="image">Lent; has to stay open.</param>
    public ImageAnalysis(ElfImage image)
    {
        Image = image;
        _bytes = new(Scan);
        _mindsFaults = new(() => FaultRules.Apply(image));
    }

    /// <summary>The image.</summary>
    public ElfImage Image { get; }

    /// <summary>Its loaded bytes, with the marks of what leads where.</summary>
    /// <exception cref="ImageException">ReadFailed or Malformed.</exception>
    public LoadedBytes Bytes => _bytes.Value;

    /// <summary>Whether its runtime looks at the address of a faulting instruction.</summary>
    public bool MindsFaults => _mindsFaults.Value;

    /// <summary>
    /// Looks at once for the branches to many addresses, which costs as much as for one. What was looked for before is passed over.
    /// </summary>
    /// <param name="targets">Addresses that <see cref="FindLanding"/> will be asked about; others than code and unbranched ones may be among them.</param>
    public void Prepare(IEnumerable<ulong> targets)
    {
        var sources = new Dictionary<ulong, List<ulong>>();
        foreach (ulong target in targets)
        {
            if (!_branchSources.ContainsKey(target) && Bytes.TryFindCode(target, out LoadedPiece piece, out int index) && piece.IsBranched(index))
                sources.TryAdd(target, []);
        }

        if (sources.Count == 0)
            return;
        foreach (LoadedPiece piece in Bytes.Code)
        {
            BranchSources.Run(piece, sources);
            foreach (LoadedPiece code in Image.IsPositionIndependent ? [] : Bytes.Code)
            {
                var words = new WordSources(piece, code, sources);
                WordScan.Run(piece.Bytes, (uint)code.Address, (uint)code.Bytes.Length, ref words);
            }
        }

        // To tell which of them are real, the functions that they are in are decoded.
        if (sources.Count < ManyTargets)
        {
            foreach ((ulong target, List<ulong> found) in sources)
                JudgeSources(target, found);
        }
        else
        {
            Parallel.ForEach(sources, target => JudgeSources(target.Key, target.Value));
        }
    }

    private void JudgeSources(ulong target, List<ulong> found) => _branchSources.TryAdd(target, [.. found.Where(source => IsReal(source, target))]);

    /// <summary>The first byte of a range that control may come to from elsewhere, or null.</summary>
    /// <param name="start">The first byte that is asked about.</param>
    /// <param name="count">How many, fewer than 100.</param>
    public Landing? FindLanding(ulong start, int count)
    {
        if (count <= 0 || !Bytes.TryFindCode(start, out LoadedPiece piece, out int index))
            return null;
        count = Math.Min(count, piece.Bytes.Length - index);
        for (int i = 0; i < count; i++)
        {
            if (piece.IsPointed(index + i) || piece.IsNamed(index + i))
                return new Landing(start + (ulong)i, null);
            if (piece.IsBranched(index + i) && SourcesOf(start + (ulong)i) is [var source, ..])
                return new Landing(start + (ulong)i, source);
        }

        return FindShortBranch(piece, index, count);
    }

    /// <summary>The function of an address, decoded, or null where none is known or it is longer than 16 MiB.</summary>
    public FunctionCode? FunctionAt(ulong address)
    {
        if (!Bytes.TryFindCode(address, out LoadedPiece piece, out int index)
            || !Image.Functions.Extents.TryFind(piece.Offset + (ulong)index, out ulong start, out ulong end))
            return null;
        return _functions.TryGetValue(start, out FunctionCode? known) ? known : _functions.GetOrAdd(start, Decode(piece, start, end));
    }

    /// <summary>
    /// Whether the function of an address has a computed jump that may lead anywhere in it, or its bounds are not known. Only functions in which such
    /// a jump seems to stand are decoded.
    /// <code>
    /// [41] ff e0+r        jmp  *reg
    /// </code>
    /// </summary>
    public bool MayJumpAnywhere(ulong address)
    {
        if (!Bytes.TryFindCode(address, out LoadedPiece piece, out int index)
            || !Image.Functions.Extents.TryFind(piece.Offset + (ulong)index, out ulong start, out ulong end) || start < piece.Offset)
            return true;
        ReadOnlySpan<byte> code = piece.Bytes.AsSpan((int)(start - piece.Offset));
        code = code[..(int)Math.Min(end - start, (ulong)code.Length)];
        for (int at; (at = code.IndexOf((byte)0xFF)) >= 0; code = code[(at + 1)..])
        {
            if (at + 1 < code.Length && (code[at + 1] & 0xF8) == 0xE0)
                return FunctionAt(address) is not { HasUnknownJump: false };
        }

        return false;
    }

    /// <summary>Index of the first byte behind <paramref name="index"/> where a function starts or the code ends.</summary>
    public int NextStart(LoadedPiece piece, int index)
    {
        ulong offset = piece.Offset + (ulong)index;
        ulong next = Image.SegmentTable.TryGetCode(offset, out (ulong Start, ulong End) code) ? code.End : offset + 1;
        next = Math.Min(next, Image.Functions.Extents.NextStart(offset));
        return (int)Math.Min(next - piece.Offset, (ulong)piece.Bytes.Length);
    }

    private FunctionCode? Decode(LoadedPiece piece, ulong start, ulong end)
    {
        ulong index = start - piece.Offset;
        if (start < piece.Offset || index >= (ulong)piece.Bytes.Length || end - start > LongestFunction)
            return null;
        ulong length = Math.Min(end - start, (ulong)piece.Bytes.Length - index);
        return FunctionCode.Decode(piece, (int)index, (int)length, Bytes);
    }

    private LoadedBytes Scan()
    {
        LoadedBytes bytes = LoadedBytes.Read(Image);
        var tables = new List<ulong>();
        foreach (LoadedPiece piece in bytes.Code)
            BranchMarks.Run(bytes, piece, tables);
        tables.Sort();
        JumpTables.Mark(bytes, [.. tables.Distinct()]);
        CodePointers.Mark(Image, bytes);
        bytes.Point(Image.EntryPoint.Value);
        foreach (long tag in (long[])[DT_INIT, DT_FINI])
        {
            if (Image.Dynamic.TryGet(tag, out ulong run))
                bytes.Point(run);
        }

        foreach ((LinkAddress label, bool isDynamic) in Image.Functions.Labels())
        {
            bytes.Name(label.Value);
            if (isDynamic)
                bytes.Point(label.Value);
        }

        foreach (ulong start in Image.Functions.Extents.Starts)
        {
            if (Image.TryGetAddress(new FileOffset(start), out LinkAddress address))
                bytes.Name(address.Value);
        }

        return bytes;
    }

    /// <summary>Bytes of the instructions that lead to an address by a 32-bit distance or hold it, or may do; one may occur twice.</summary>
    internal ulong[] SourcesOf(ulong target)
    {
        if (!_branchSources.TryGetValue(target, out ulong[]? sources))
        {
            Prepare([target]);
            sources = _branchSources.GetValueOrDefault(target, []);
        }

        return sources;
    }

    /// <summary>Whether a branch with an 8-bit distance leads to a byte.</summary>
    internal bool IsShortBranchTarget(LoadedPiece piece, int index) => FindShortBranch(piece, index, 1) is not null;

    /// <summary>Branches with an 8-bit distance are so many that each question looks around for itself.</summary>
    private Landing? FindShortBranch(LoadedPiece piece, int index, int count)
    {
        byte[] bytes = piece.Bytes;
        int last = Math.Min(bytes.Length - 2, index + count + 126);
        for (int at = Math.Max(0, index - 129); at <= last; at++)
        {
            if (!BranchScan.IsShortBranch(bytes[at]))
                continue;
            int target = at + 2 + (sbyte)bytes[at + 1];
            ulong address = piece.Address + (ulong)target;
            if ((uint)(target - index) < (uint)count && IsReal(piece.Address + (ulong)at, address))
                return new Landing(address, piece.Address + (ulong)at);
        }

        return null;
    }

    /// <summary>Whether bytes that look like a branch are one, or may be.</summary>
    /// <param name="source">One of the branch's bytes.</param>
    /// <param name="target">Where it seems to lead.</param>
    private bool IsReal(ulong source, ulong target)
    {
        if (FunctionAt(source) is not { IsSound: true } function)
            return true;
        return function.LeadsFrom(source, target);
    }
}
