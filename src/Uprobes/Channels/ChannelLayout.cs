using System.Numerics;

namespace Uprobes.Channels;

/// <summary>
/// Where everything is in a channel: the shared memory (a memfd) of one program group in one process. The target writes it, so
/// that whatever is read from it is hostile input. All words are 64 bits, little-endian; offsets count from the channel's start.
/// <code>
/// header page      +0 magic  +8 lost hits: no thread slot free  +16 lost: other
/// thread table     ThreadSlots x 64 bytes: +0 key: FS base + 1, 0 free, all ones: left by an ended thread  +8 thread id
/// records          ThreadSlots x RecordStride:
///   +0   lost events: ring full                    +8  lost: key table full, or a key that another was just putting in
///   +16  memory reads that failed                  +24 nesting depth of the scratch frames
///   +32  calls whose return could not be followed
///   +64  ring head: bytes reserved, ever growing (written by the target's thread)
///   +128 ring tail: bytes consumed, ever growing (written by the reader)
///   +192 scratch: 4 frames of 4,096 bytes, of which emitted code needs 328 for itself
///   +CellsOffset: cells without a key: for each map, for each probe of the group, CellWords words
///   +RingOffset (a page's start): RingBytes, then LargestRecord of slack, so that a record never wraps
/// keyed maps       for each: Capacity entries of EntrySize: +0 state  +8 key  +8+KeySize cell
/// </code>
/// An entry's state: 0 free; hash | 1 while its key is written; hash | 3 when it is there (the hash's two low bits are dropped, and
/// the rest is never 0: bit 63 is always set). An entry is found at (hash >> 2) mod Capacity and the 15 places that follow it.
/// A record of the ring begins at position mod RingBytes: +0 bits 0-15 its size (a multiple of 8), 16-30 the event's
/// number, 31 set when it is whole, 32-63 the thread id; +8 raw time stamp counter; +16 the fields. The reader fills what
/// it has consumed with zeros before it moves the tail; a word of 0 has not been written yet.
/// </summary>
internal sealed class ChannelLayout
{
    internal const ulong Magic = 0x0031_6c65_6e6e_6843;
    internal const int HeaderSize = 4096, PageSize = 4096, ThreadSlotSize = 64, RecordHeaderSize = 192;
    internal const int LostThreadsOffset = 8, LostOtherOffset = 16;
    internal const int LostEventsOffset = 0, LostKeysOffset = 8, FailedReadsOffset = 16, DepthOffset = 24, LostReturnsOffset = 32;
    internal const int RingHeadOffset = 64, RingTailOffset = 128, ScratchOffset = RecordHeaderSize;
    internal const int ScratchFrames = 4, ScratchFrameSize = 4096, LargestRecord = 32768, ProbeWindow = 128;

    private readonly int[] _cells;
    private readonly long[] _tables;

    /// <summary>Lays a channel out.</summary>
    /// <param name="maps">The group's maps.</param>
    /// <param name="probes">How many probes share it; each has cells of its own in maps without a key.</param>
    /// <param name="threadSlots">Most threads, a power of two.</param>
    /// <param name="ringBytes">Each thread's ring, a power of two of at least a page; 0 for none.</param>
    internal ChannelLayout(IReadOnlyList<MapDefinition> maps, int probes, int threadSlots, int ringBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(BitOperations.IsPow2(threadSlots), true);
        ArgumentOutOfRangeException.ThrowIfNotEqual(ringBytes == 0 || (BitOperations.IsPow2(ringBytes) && ringBytes >= PageSize), true);
        (Maps, Probes, ThreadSlots, RingBytes) = (maps, probes, threadSlots, ringBytes);
        _cells = new int[maps.Count];
        _tables = new long[maps.Count];
        int record = ScratchOffset + (ScratchFrames * ScratchFrameSize);
        for (int i = 0; i < maps.Count; i++)
        {
            if (maps[i].IsKeyed)
                continue;
            _cells[i] = record;
            record = checked(record + (maps[i].CellWords * 8 * probes));
        }

        record = RoundUp(record);
        RingOffset = record;
        RecordStride = ringBytes == 0 ? record : checked(record + ringBytes + LargestRecord);
        RecordsOffset = HeaderSize + RoundUp(threadSlots * ThreadSlotSize);
        long end = RecordsOffset + ((long)RecordStride * threadSlots);
        for (int i = 0; i < maps.Count; i++)
        {
            if (!maps[i].IsKeyed)
                continue;
            _tables[i] = end;
            end = (end + ((long)EntrySize(i) * maps[i].Capacity) + PageSize - 1) / PageSize * PageSize;
        }

        Size = end;
    }

    internal IReadOnlyList<MapDefinition> Maps { get; }

    internal int Probes { get; }

    internal int ThreadSlots { get; }

    internal int RingBytes { get; }

    internal const int ThreadTableOffset = HeaderSize;

    internal int RecordsOffset { get; }

    internal int RecordStride { get; }

    /// <summary>Of the ring, in a record.</summary>
    internal int RingOffset { get; }

    /// <summary>Bytes of the whole channel, whole pages. Most of them are never touched, and take no memory.</summary>
    internal long Size { get; }

    /// <summary>Offset in a record of a map's cells; probe p's are CellWords x 8 x p behind it. Only for maps without a key.</summary>
    internal int CellsOffset(int map) => _cells[map];

    /// <summary>Offset of a map's table in the channel. Only for maps with a key.</summary>
    internal long TableOffset(int map) => _tables[map];

    /// <summary>Bytes of a table's entry.</summary>
    internal int EntrySize(int map) => 8 + Maps[map].KeySize + (Maps[map].CellWords * 8);

    /// <summary>Where the search for a thread's slot begins: consecutive stacks of the C library give consecutive slots.</summary>
    internal int SlotOf(ulong fsBase) => (int)(fsBase >> 12) & (ThreadSlots - 1);

    private static int RoundUp(int bytes) => checked((bytes + PageSize - 1) / PageSize * PageSize);
}
