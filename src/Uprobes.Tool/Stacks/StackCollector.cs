using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Stacks;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Stacks;

/// <summary>
/// Adds stacks up as they come. What it takes is the addresses that the unwinding found; a stack is named when it is seen for the first time, while
/// its code is still where it was. Accepts events on one thread; the results may be read on another meanwhile.
/// </summary>
/// <param name="source">Finds and names the calls; lent.</param>
/// <param name="query">What the events carry.</param>
/// <param name="probes">The probes, by their numbers.</param>
/// <param name="mostFrames">How many frames of a stack are looked at.</param>
internal sealed class StackCollector(IStackSource source, StackQuery query, IReadOnlyList<PlannedProbe> probes, int mostFrames) : IQueryEvents
{
    /// <summary>How many stacks are told apart: a process may have any number.</summary>
    internal const int MostStacks = 1 << 18;

    // What stands before the addresses in a key.
    private const int KeyProgram = 0, KeyProbe = 1, KeyAddresses = 2;
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong[], Total> _byAddresses = new(new WordsComparer());
    private readonly Dictionary<int[], Total> _byNames = new(new NumbersComparer());
    private readonly FrameTable _frames = new();
    private readonly ulong[] _key = new ulong[KeyAddresses + StackUnwinder.MostFrames];
    private readonly List<StackFrame> _named = [];
    private readonly bool _isSigned = query.Group.Events[0].Fields[StackQuery.ValueField].IsSigned;

    /// <summary>What ended the reading early, or null.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Calls whose stack was read.</summary>
    public long Seen { get; private set; }

    /// <summary>Calls of stacks beyond those that are told apart.</summary>
    public long Unkept { get; private set; }

    /// <summary>Calls of whose stack nothing could be found.</summary>
    public long Unreadable { get; private set; }

    /// <summary>Stacks seen so far.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _byNames.Count;
        }
    }

    /// <inheritdoc/>
    public void Accept(EventRecord record, long timestamp, int processId)
    {
        // The target may say anything.
        var probe = record.Integer(StackQuery.ProbeField);
        if (probe < 0 || probe >= probes.Count)
            return;
        var value = record.Integer(StackQuery.ValueField);
        var stack = StackCapture.Read(record, StackQuery.FirstStackField, probes[(int)probe].IsEntry);
        var found = source.Unwind(processId, timestamp, stack, _key.AsSpan(KeyAddresses, mostFrames), out var program);
        (_key[KeyProgram], _key[KeyProbe]) = ((ulong)program, (ulong)probe);
        lock (_gate)
        {
            Seen++;
            if (found.Count == 0)
            {
                Unreadable++;
                return;
            }

            var key = _key.AsSpan(0, KeyAddresses + found.Count);
            var known = _byAddresses.GetAlternateLookup<ReadOnlySpan<ulong>>();
            if (!known.TryGetValue(key, out var total))
            {
                if (_byAddresses.Count == MostStacks)
                {
                    Unkept++;
                    return;
                }
                total = Name(program, (int)probe, key[KeyAddresses..], found.End is StackEnd.Truncated or StackEnd.TooDeep);
                if (total is null)
                {
                    Unreadable++;
                    return;
                }
                known[key] = total;
            }
            total.Count++;
            total.Sum += _isSigned ? value : (Int128)(ulong)value;
        }
    }

    /// <inheritdoc/>
    public void Complete(Exception? error) => Failure = error;

    /// <summary>What came together so far: the most first.</summary>
    public IReadOnlyList<HotStack> Read()
    {
        lock (_gate)
        {
            return
            [
                .. _byNames.Values.Select(t => new HotStack(t.Probe, [.. t.Frames.Select(number => _frames[number])], t.IsCut, t.Count, t.Sum))
                    .OrderByDescending(s => s.Sum).ThenByDescending(s => s.Count),
            ];
        }
    }

    private Total? Name(int program, int probe, ReadOnlySpan<ulong> addresses, bool isCut)
    {
        _named.Clear();
        source.Symbolize(program, addresses, _named);
        if (_named.Count == 0)
            return null; // So many programs have ended since it was unwound that this one is not known any more.
        var key = new int[_named.Count + 2];
        for (var i = 0; i < _named.Count; i++)
            key[i] = _frames.NumberOf(_named[i]);
        (key[^2], key[^1]) = (probe, isCut ? 1 : 0);
        ref var total = ref CollectionsMarshal.GetValueRefOrAddDefault(_byNames, key, out _);
        return total ??= new Total(probe, key[..^2], isCut);
    }

    private sealed class Total(int probe, int[] frames, bool isCut)
    {
        public readonly int Probe = probe;
        public readonly int[] Frames = frames;
        public readonly bool IsCut = isCut;
        public long Count;
        public Int128 Sum;
    }

    /// <summary>Compares by contents, so that a stack that is known is found without an array of its own.</summary>
    private sealed class WordsComparer : IEqualityComparer<ulong[]>, IAlternateEqualityComparer<ReadOnlySpan<ulong>, ulong[]>
    {
        public bool Equals(ulong[]? x, ulong[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] ulong[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<ulong> alternate, ulong[] other) => alternate.SequenceEqual(other);

        public ulong[] Create(ReadOnlySpan<ulong> alternate) => alternate.ToArray();

        // Addresses of one program are much alike: each word is stirred in. Bounded work for a hash that the target could only make slow, not wrong.
        public int GetHashCode(ReadOnlySpan<ulong> alternate)
        {
            const ulong Stir = 0x9E37_79B9_7F4A_7C15;
            ulong hash = (ulong)alternate.Length;
            foreach (var word in alternate)
                hash = (System.Numerics.BitOperations.RotateLeft(hash, 23) ^ word) * Stir;
            return (int)(hash >> 32);
        }
    }

    private sealed class NumbersComparer : IEqualityComparer<int[]>
    {
        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] int[] obj)
        {
            HashCode hash = default;
            hash.AddBytes(MemoryMarshal.AsBytes(obj.AsSpan()));
            return hash.ToHashCode();
        }
    }
}
