using System.Buffers.Binary;
using System.Numerics;

namespace Uprobes.Arming.Trap.X64;

/// <summary>
/// The mirror of the table in which <see cref="SafetyNetCode"/> finds where a trap resumes: open addressing with
/// linear probing, 16-byte entries of {key, resume address}. A key of 0 is an entry never used, 1 one that was freed.
/// </summary>
/// <remarks>
/// Used by the tracer's thread only. A change returns the one write that repeats it in the target. An aligned 16-byte
/// entry never crosses a page. <see cref="Set"/> must reach the target before the trap is written, <see cref="Remove"/>
/// after it has been taken back: then no reader looks for a key while its entry is being written. A reader that comes
/// upon an entry which passes from one trap to another reads the key twice.
/// </remarks>
internal sealed class SafetyNetTable
{
    /// <summary>Bytes of an entry.</summary>
    internal const int EntrySize = 16;

    private const uint MaximumCapacity = 1 << 24;
    private const ulong NeverUsed = 0, Freed = 1;

    private readonly byte[] _image;
    private readonly int _hashShift;

    /// <summary>Creates an empty table.</summary>
    /// <param name="capacity">Entries, a power of two from 2 to 16 Mi.</param>
    internal SafetyNetTable(uint capacity)
    {
        ThrowIfBadCapacity(capacity);
        Capacity = capacity;
        _image = new byte[SizeInBytes(capacity)];
        _hashShift = 64 - BitOperations.Log2(capacity);
    }

    /// <summary>Entries that the table has room for, counting those that must stay free.</summary>
    internal uint Capacity { get; }

    /// <summary>Traps in the table.</summary>
    internal int Count { get; private set; }

    /// <summary>Whether three quarters of the entries are taken, so that another trap needs a larger table.</summary>
    internal bool IsFull => Count >= Limit;

    /// <summary>The whole table as it must lie in the target; a view that later changes show through.</summary>
    internal ReadOnlyMemory<byte> Image => _image;

    private int Limit => (int)(Capacity - (Capacity + 3) / 4);

    /// <summary>Bytes that a table of so many entries takes in the target.</summary>
    internal static int SizeInBytes(uint capacity) => checked((int)capacity * EntrySize);

    /// <summary>The smallest capacity whose table still has room when it holds so many traps.</summary>
    internal static uint CapacityFor(int traps)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(traps);
        uint capacity = 2;
        while (capacity - (capacity + 3) / 4 <= (uint)traps)
            capacity = checked(capacity * 2);
        ThrowIfBadCapacity(capacity);
        return capacity;
    }

    /// <summary>Adds a trap, or changes where one resumes.</summary>
    /// <param name="trapAddress">Address of the int3 in the target.</param>
    /// <param name="resumeAddress">Address in the target at which the thread goes on.</param>
    /// <exception cref="InvalidOperationException">The trap is new and the table is full.</exception>
    internal TableWrite Set(ulong trapAddress, ulong resumeAddress)
    {
        int index = Store(trapAddress, resumeAddress);
        return new TableWrite(index * EntrySize, _image.AsMemory(index * EntrySize, EntrySize));
    }

    /// <summary>Adds or changes many traps, to be repeated in the target by one write.</summary>
    /// <exception cref="InvalidOperationException">They do not all fit; none was added.</exception>
    internal TableWrite SetMany(IReadOnlyCollection<KeyValuePair<ulong, ulong>> resumeByTrap)
    {
        int added = resumeByTrap.Select(pair => pair.Key).Distinct().Count(trap => Find(trap + 1) < 0);
        if (Count + added > Limit)
            throw FullTable();
        int first = int.MaxValue, last = -1;
        foreach ((ulong trap, ulong resume) in resumeByTrap)
        {
            int index = Store(trap, resume);
            first = Math.Min(first, index);
            last = Math.Max(last, index);
        }
        if (last < 0)
            return new TableWrite(0, ReadOnlyMemory<byte>.Empty);
        int offset = first * EntrySize;
        return new TableWrite(offset, _image.AsMemory(offset, (last + 1) * EntrySize - offset));
    }

    /// <summary>Forgets a trap.</summary>
    /// <returns>The write that repeats this in the target; null if the trap is not in the table.</returns>
    internal TableWrite? Remove(ulong trapAddress)
    {
        int index = Find(trapAddress + 1);
        if (index < 0)
            return null;
        // A freed entry keeps the search for others going; where the next one was never used, none goes through here.
        bool endsRun = Key((index + 1) & (int)(Capacity - 1)) == NeverUsed;
        Write(index, endsRun ? NeverUsed : Freed, 0);
        Count--;
        return new TableWrite(index * EntrySize, _image.AsMemory(index * EntrySize, EntrySize));
    }

    /// <summary>Every trap with where it resumes, to move them into a larger table.</summary>
    internal Dictionary<ulong, ulong> Entries() => EntriesIn(_image);

    /// <summary>Every trap of a table that lies in a target.</summary>
    internal static Dictionary<ulong, ulong> EntriesIn(ReadOnlySpan<byte> image)
    {
        Dictionary<ulong, ulong> entries = [];
        for (; image.Length >= EntrySize; image = image[EntrySize..])
        {
            ulong key = BinaryPrimitives.ReadUInt64LittleEndian(image);
            if (key > Freed + 1)
                entries[key - 1] = BinaryPrimitives.ReadUInt64LittleEndian(image[8..]);
        }
        return entries;
    }

    /// <summary>Whether a table can have so many entries.</summary>
    internal static bool IsCapacity(ulong capacity) => capacity is >= 2 and <= MaximumCapacity && BitOperations.IsPow2(capacity);

    /// <summary>A second mirror of the same contents, for a copy of the target's memory.</summary>
    internal SafetyNetTable Copy()
    {
        SafetyNetTable copy = new(Capacity) { Count = Count };
        _image.CopyTo(copy._image, 0);
        return copy;
    }

    /// <summary>Where a trap resumes.</summary>
    internal bool TryGet(ulong trapAddress, out ulong resumeAddress)
    {
        int index = Find(trapAddress + 1);
        resumeAddress = index < 0 ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(_image.AsSpan(index * EntrySize + 8));
        return index >= 0;
    }

    internal static void ThrowIfBadCapacity(uint capacity)
    {
        if (!IsCapacity(capacity))
            throw new ArgumentOutOfRangeException(nameof(capacity), capacity, $"a power of two from 2 to {MaximumCapacity} is needed");
    }

    private int Store(ulong trapAddress, ulong resumeAddress)
    {
        ulong key = trapAddress + 1;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(key, Freed, nameof(trapAddress));
        int index = Find(key);
        if (index < 0)
        {
            if (IsFull)
                throw FullTable();
            index = FindFree(key);
            Count++;
        }
        Write(index, key, resumeAddress);
        return index;
    }

    private int Find(ulong key)
    {
        int index = FirstProbe(key);
        for (uint probes = 0; probes < Capacity && Key(index) != NeverUsed; probes++)
        {
            if (Key(index) == key)
                return index;
            index = (index + 1) & (int)(Capacity - 1);
        }
        return -1;
    }

    private int FindFree(ulong key)
    {
        int index = FirstProbe(key);
        while (Key(index) > Freed)
            index = (index + 1) & (int)(Capacity - 1);
        return index;
    }

    private int FirstProbe(ulong key) => (int)((key * SafetyNetCode.HashMultiplier) >> _hashShift);

    private ulong Key(int index) => BinaryPrimitives.ReadUInt64LittleEndian(_image.AsSpan(index * EntrySize));

    private void Write(int index, ulong key, ulong resume)
    {
        Span<byte> entry = _image.AsSpan(index * EntrySize, EntrySize);
        BinaryPrimitives.WriteUInt64LittleEndian(entry, key);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], resume);
    }

    private InvalidOperationException FullTable() => new($"the safety net's table of {Capacity} entries is full ({Count} traps)");
}
