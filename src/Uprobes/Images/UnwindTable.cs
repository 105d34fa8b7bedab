using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images;

/// <summary>
/// The ranges that unwind information gives (one per function, or per part of a split function), as sorted file
/// offsets. They are there even in stripped files, because C++ exceptions and backtraces need them. Immutable.
/// </summary>
internal sealed class UnwindTable
{
    private readonly ulong[] _starts;
    private readonly ulong[] _ends;

    private UnwindTable(List<(ulong Start, ulong End)> ranges)
    {
        ranges.Sort();
        _starts = new ulong[ranges.Count];
        _ends = new ulong[ranges.Count];
        Count = 0;
        foreach ((ulong start, ulong end) in ranges)
        {
            // Of two ranges with one start the shorter, which sorts first, stays.
            if (Count > 0 && _starts[Count - 1] == start)
                continue;
            _starts[Count] = start;
            _ends[Count++] = end;
        }
    }

    /// <summary>A table without ranges.</summary>
    public static UnwindTable Empty { get; } = new([]);

    /// <summary>How many ranges there are.</summary>
    public int Count { get; }

    /// <summary>The sorted starts, as file offsets.</summary>
    public ReadOnlySpan<ulong> Starts => _starts.AsSpan(0, Count);

    /// <summary>The exclusive end of a range.</summary>
    public ulong End(int index) => _ends[index];

    /// <summary>The range that holds a byte, or -1.</summary>
    public int Find(ulong offset)
    {
        int index = Starts.BinarySearch(offset);
        index = index < 0 ? ~index - 1 : index;
        return index >= 0 && offset < _ends[index] ? index : -1;
    }

    /// <summary>Reads <c>.eh_frame</c>, found by its section or else through PT_GNU_EH_FRAME.</summary>
    /// <param name="image">The file.</param>
    /// <param name="problems">Takes what was wrong with a part of the table; the rest is used.</param>
    /// <exception cref="ImageException">Malformed or ReadFailed: nothing of the table can be used.</exception>
    public static UnwindTable Read(ElfImage image, List<string> problems)
    {
        var addresses = new List<(ulong Start, ulong End)>();
        if (image.File.FindSection(".eh_frame") is { } section)
        {
            byte[] frames = image.File.ReadSection(section, image.File.Limits.UnwindTableBytes);
            Parse(frames, section.LinkAddress.Value, stopAtTerminator: false);
        }
        else if (image.UnwindHeader.Type == PT_GNU_EH_FRAME && TryFindFrames(image, out LinkAddress start, out byte[] frames))
        {
            Parse(frames, start.Value, stopAtTerminator: true);
        }
        return new UnwindTable(ToCode(image, addresses));

        void Parse(ReadOnlySpan<byte> frames, ulong address, bool stopAtTerminator)
        {
            if (new FrameReader(frames, address).Read(stopAtTerminator, addresses) is { } problem)
                problems.Add($".eh_frame: {problem}");
        }
    }

    /// <summary>Finds <c>.eh_frame</c> without sections, through PT_GNU_EH_FRAME: from its start to the end of its segment.</summary>
    /// <exception cref="ImageException">Malformed or ReadFailed.</exception>
    internal static bool TryFindFrames(ElfImage image, out LinkAddress start, out byte[] frames)
    {
        // version, encodings of eh_frame_ptr, fde_count and table, then eh_frame_ptr (LSB "Exception Frame Header").
        ByteSource source = image.File.Source;
        byte[] header = source.ReadExactly(image.UnwindHeader.Offset, Math.Min(image.UnwindHeader.FileSize, 16), 16, "the unwind header");
        start = default;
        frames = [];
        var reader = new SpanReader(header);
        if (!reader.TryReadByte(out byte version) || version != 1 || !reader.TryReadByte(out byte encoding) || !reader.TrySeek(4)
            || !FrameReader.TryReadPointer(ref reader, encoding, image.UnwindHeader.Address, out ulong address))
            throw source.Malformed($"the unwind header at offset 0x{image.UnwindHeader.Offset:x} is not of version 1 or has a pointer of unknown form");
        start = new LinkAddress(address);
        foreach (ElfSegment segment in image.Segments)
        {
            if (!segment.Contains(start))
                continue;
            ulong skipped = address - segment.LinkAddress.Value;
            frames = source.ReadExactly(segment.FileOffset.Value + skipped, segment.FileSize - skipped, image.File.Limits.UnwindTableBytes, "the unwind table");
            return true;
        }
        return false;
    }

    // The linker describes its call stubs by one range for all of them; that is no function.
    private static List<(ulong Start, ulong End)> ToCode(ElfImage image, List<(ulong Start, ulong End)> addresses)
    {
        var stubs = image.Sections.Where(section => section.Name is ".plt" or ".plt.got" or ".plt.sec" or ".iplt").ToArray();
        var ranges = new List<(ulong Start, ulong End)>(addresses.Count);
        foreach ((ulong start, ulong end) in addresses)
        {
            if (!image.TryGetOffset(new LinkAddress(start), out FileOffset offset) || !image.SegmentTable.TryGetCode(offset.Value, out var code)
                || Array.Exists(stubs, section => section.Contains(offset)))
                continue;
            ulong size = Math.Min(end - start, code.End - offset.Value);
            ranges.Add((offset.Value, offset.Value + size));
        }
        return ranges;
    }
}
