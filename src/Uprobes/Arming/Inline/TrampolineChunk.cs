namespace Uprobes.Arming.Inline;

/// <summary>
/// A piece of memory in the tracee near an image, mapped by us, readable and executable: in front a page of flags, which a forked child finds full
/// of zeros, then trampolines. On the tracer thread only.
/// <code>
/// +0     what CodeEnvironment.ProcessState describes, for programs that refer to this chunk's
/// +72    one byte for each program at each site: whether it runs
/// +4096  code
/// </code>
/// </summary>
internal sealed class TrampolineChunk
{
    internal const int FlagsSize = 4096, FirstFlag = 72;
    private const int Alignment = 16;

    /// <summary>Free pieces of code, ascending, never touching one another.</summary>
    private readonly List<(int Start, int Length)> _free;
    private readonly Stack<int> _freeFlags = [];
    private int _flags = FirstFlag;

    internal TrampolineChunk(ulong start, int length)
    {
        (Start, Length) = (start, length);
        _free = [(FlagsSize, length - FlagsSize)];
    }

    private TrampolineChunk(TrampolineChunk other)
    {
        (Start, Length, _flags) = (other.Start, other.Length, other._flags);
        _free = [.. other._free];
        _freeFlags = new Stack<int>(other._freeFlags.Reverse());
    }

    internal ulong Start { get; }

    internal int Length { get; }

    internal bool IsUnused => _free.Count == 1 && _free[0].Length == Length - FlagsSize;

    /// <summary>Bytes for a number of trampolines of a size, in whole pages.</summary>
    internal static int LengthFor(int count, int size)
    {
        const int PageSize = 4096, Smallest = 64 * 1024;
        long bytes = FlagsSize + ((long)count * RoundUp(size));
        return (int)Math.Max(Smallest, (bytes + PageSize - 1) / PageSize * PageSize);
    }

    /// <summary>Most programs at sites that one chunk has flags for.</summary>
    internal static int MostFlags => FlagsSize - FirstFlag;

    internal bool Contains(ulong address) => address - Start < (ulong)Length;

    /// <summary>Whether code in the chunk can reach an address, and be reached from it, by a 32-bit displacement.</summary>
    internal bool Reaches(ulong address)
    {
        const long Reach = int.MaxValue - 4096;
        long first = (long)(Start - address), last = (long)(Start + (ulong)Length - address);
        return first is > -Reach and < Reach && last is > -Reach and < Reach;
    }

    internal bool HasRoom(int bytes, int flags) =>
        (_flags + flags <= FlagsSize || _freeFlags.Count >= flags) && _free.Exists(f => f.Length >= RoundUp(bytes));

    /// <summary>Takes room for code. False where none is that large.</summary>
    internal bool TryTake(int bytes, out ulong address)
    {
        int wanted = RoundUp(bytes);
        int index = _free.FindIndex(f => f.Length >= wanted);
        address = 0;
        if (index < 0)
            return false;
        (int start, int length) = _free[index];
        address = Start + (ulong)start;
        if (length == wanted)
            _free.RemoveAt(index);
        else
            _free[index] = (start + wanted, length - wanted);
        return true;
    }

    internal bool TryTakeFlag(out ulong address)
    {
        int offset = _freeFlags.Count > 0 ? _freeFlags.Pop() : _flags < FlagsSize ? _flags++ : 0;
        address = Start + (ulong)offset;
        return offset != 0;
    }

    /// <summary>Gives code back; no thread is in it and none can come to it.</summary>
    internal void Return(ulong address, int bytes)
    {
        (int start, int length) = ((int)(address - Start), RoundUp(bytes));
        int index = _free.FindIndex(f => f.Start > start);
        if (index < 0)
            index = _free.Count;
        if (index < _free.Count && start + length == _free[index].Start)
        {
            length += _free[index].Length;
            _free.RemoveAt(index);
        }

        if (index > 0 && _free[index - 1].Start + _free[index - 1].Length == start)
            _free[index - 1] = (_free[index - 1].Start, _free[index - 1].Length + length);
        else
            _free.Insert(index, (start, length));
    }

    /// <summary>Gives back what is left of room that was taken for more than was needed.</summary>
    internal void TrimTo(ulong address, int taken, int needed)
    {
        int keep = RoundUp(needed), had = RoundUp(taken);
        if (keep < had)
            Return(address + (ulong)keep, had - keep);
    }

    internal void ReturnFlag(ulong address) => _freeFlags.Push((int)(address - Start));

    /// <summary>The same chunk in a forked copy.</summary>
    internal TrampolineChunk CopyForChild() => new(this);

    private static int RoundUp(int bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
