using Uprobes.Arming;
using Uprobes.Arming.Inline;
using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.X64;
using Uprobes.Images;
using Uprobes.Linux;

namespace Uprobes.Registry;

/// <summary>A file that is probed: its uprobes and what guards it. Lives as long as its last uprobe. On the tracer thread only.</summary>
internal sealed class ProbedImage(ElfImage elf)
{
    private const int LongestInstruction = 15, LongestFunction = 1 << 20, BytesBefore = SignalReturn.SyscallOffset + 1;
    private readonly SortedDictionary<ulong, Uprobe> _uprobes = [];
    private readonly Dictionary<ulong, InstructionBoundaries> _boundaries = [];
    private ArmedPoint[]? _points;
    private PatchPlanner? _planner;
    private Dictionary<ulong, bool>? _mayFollow;

    /// <summary>The time of the last write after which the uprobes' bytes were found as they had been.</summary>
    private (long Seconds, long Nanoseconds) _unchangedAt = elf.Modified;

    internal ElfImage Elf { get; } = elf;

    internal ImageId Id => Elf.Id;

    internal string Path => Elf.Path;

    internal bool IsEmpty => _uprobes.Count == 0;

    internal IEnumerable<Uprobe> Uprobes => _uprobes.Values;

    /// <summary>Whether a write guard is held for it.</summary>
    internal bool IsGuarded { get; set; }

    /// <summary>Whether this image's write guard is gone or was never had, so that its bytes are compared at each arming instead.</summary>
    internal WriteGuardState? Guard { get; set; }

    /// <summary>All probe points, ascending by offset.</summary>
    internal IReadOnlyList<ArmedPoint> Points => _points ??= [.. _uprobes.Values.Select(u => u.Point)];

    internal bool TryGet(FileOffset offset, out Uprobe? uprobe) => _uprobes.TryGetValue(offset.Value, out uprobe);

    /// <summary>The uprobe at an offset, made if there is none; or the refusal of the point.</summary>
    /// <param name="offset">Position in the file.</param>
    /// <param name="isFunctionEntry">Whether the offset is known to be a function's first instruction.</param>
    /// <param name="name">The point as the user would recognise it.</param>
    /// <param name="text">Reads the file.</param>
    /// <param name="refusal">Why there is none.</param>
    /// <exception cref="ImageException">ReadFailed.</exception>
    internal Uprobe? GetOrAdd(FileOffset offset, bool isFunctionEntry, string name, FileWindow text, out ProbeRefusal? refusal)
    {
        refusal = null;
        if (_uprobes.TryGetValue(offset.Value, out Uprobe? known))
            return known;
        if (!Elf.IsExecutable(offset))
        {
            refusal = new ProbeRefusal(ProbeRefusalReason.OffsetOutsideText, name, offset.Value >= Elf.Length
                ? $"offset {offset} is past the end of the file ({Elf.Length} bytes)"
                : $"offset {offset} is not in executable text");
            return null;
        }

        // Together with what is before it: most points are behind the last one.
        int before = (int)Math.Min(offset.Value, BytesBefore);
        ReadOnlySpan<byte> around = text.Read(new FileOffset(offset.Value - (ulong)before), before + BytesBefore + LongestInstruction);
        byte[] original = around.Length <= before ? [] : around.Slice(before, Math.Min(LongestInstruction, around.Length - before)).ToArray();
        refusal = Judge(offset, original, around, before, isFunctionEntry, name);
        if (refusal is not null)
            return null;
        Uprobe uprobe = new(this, offset, original, name) { IsFunctionEntry = isFunctionEntry };
        _uprobes.Add(offset.Value, uprobe);
        _points = null;
        return uprobe;
    }

    internal void Remove(Uprobe uprobe)
    {
        _uprobes.Remove(uprobe.Offset.Value);
        if (uprobe.Plan is { } plan)
            _planner?.Release(plan);
        _points = null;
    }

    /// <summary>Plans patches for the uprobes that only programs are wanted at; while the processes run.</summary>
    internal void PlanPatches()
    {
        Uprobe[] wanted = [.. _uprobes.Values.Where(u => !u.IsPlanned && u.Programs is not null)];
        if (wanted.Length == 0)
            return;
        _planner ??= new PatchPlanner(new ImageAnalysis(Elf));
        foreach ((Uprobe uprobe, PatchDecision decision) in wanted.Zip(_planner.Plan([.. wanted.Select(u => new PatchSite(u.Offset, u.IsFunctionEntry, u.IsMark))])))
            (uprobe.Plan, uprobe.PlanRefusal, uprobe.IsPlanned, uprobe.MayFollowCalls) = (decision.Plan, decision.Refusal, true, uprobe.IsFunctionEntry && MayFollowCalls(uprobe.Offset));
    }

    private bool MayFollowCalls(FileOffset offset)
    {
        if (_mayFollow is null)
        {
            _mayFollow = [];
            foreach (IGrouping<ulong, FunctionSymbol> function in Elf.Functions.All.GroupBy(f => f.Offset.Value))
                _mayFollow.Add(function.Key, CallRules.MayFollow([.. function.Select(f => f.Name)]));
        }

        return _mayFollow.GetValueOrDefault(offset.Value);
    }

    /// <summary>
    /// Whether the file has been changed since it was opened, as far as its length and bytes at a uprobe tell. Where nothing was
    /// written since the last look this costs one system call.
    /// </summary>
    internal bool HasChanged()
    {
        FileStatus status = FileStatus.Of(Elf.Handle, Path);
        if (status.Length != Elf.Length)
            return true;
        if (status.Modified == _unchangedAt)
            return false;
        if (HaveBytesChanged())
            return true;
        _unchangedAt = status.Modified;
        return false;
    }

    private bool HaveBytesChanged()
    {
        Span<byte> now = stackalloc byte[LongestInstruction];
        foreach (ArmedPoint point in Points)
        {
            int read = Elf.Read(point.Offset, now[..point.Original.Length]);
            if (!now[..read].SequenceEqual(point.Original))
                return true;
        }

        return false;
    }

    private ProbeRefusal? Judge(FileOffset offset, byte[] original, ReadOnlySpan<byte> around, int before, bool isFunctionEntry, string name)
    {
        if (!isFunctionEntry && !IsBoundary(offset))
            return new ProbeRefusal(ProbeRefusalReason.NotInstructionBoundary, name, $"offset {offset} is inside an instruction");
        if (Elf.RestartableSequences.Cover(offset))
            return new ProbeRefusal(ProbeRefusalReason.UnsafeLocation, name,
                $"offset {offset} is in the critical section of a restartable sequence (rseq), which starts again and never ends when it is stopped");
        if (around.Length > before && SignalReturn.Covers(around, before))
            return new ProbeRefusal(ProbeRefusalReason.UnsafeLocation, name,
                $"offset {offset} is in the signal return sequence that unwinders recognise by its bytes; a probe there breaks backtraces and exceptions");
        _ = Elf.TryGetAddress(offset, out LinkAddress address);
        return InstructionRelocator.TryInspect(original, address.Value, out _, out RelocationRefusal? unsupported)
            ? null
            : new ProbeRefusal(ProbeRefusalReason.UnsupportedInstruction, name, unsupported.Message);
    }

    private bool IsBoundary(FileOffset offset)
    {
        if (!Elf.Functions.TryFind(offset, out FunctionBounds bounds) || bounds.Size > LongestFunction)
            return true; // Nothing tells where its function begins: the instruction itself has been found sound.
        if (!_boundaries.TryGetValue(bounds.Start.Value, out InstructionBoundaries? known))
        {
            byte[] code = new byte[bounds.Size];
            int read = Elf.Read(bounds.Start, code);
            known = InstructionBoundaries.Decode(code.AsSpan(0, read), bounds.Start.Value);
            _boundaries.Add(bounds.Start.Value, known);
        }

        return known.At(offset.Value) != BoundaryVerdict.InsideInstruction;
    }
}
