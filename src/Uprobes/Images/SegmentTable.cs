using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images;

/// <summary>The loaded segments of an image and, from them and the sections, which bytes are code. Immutable.</summary>
internal sealed class SegmentTable
{
    private readonly ElfSegment[] _segments;
    private readonly (ulong Start, ulong End)[] _code;

    /// <summary>Takes the PT_LOAD entries of a file.</summary>
    /// <exception cref="ImageException">Malformed: a segment lies outside the file or wraps around.</exception>
    public SegmentTable(ElfFile file, ReadOnlySpan<ElfProgramHeader> headers)
    {
        var segments = new List<ElfSegment>();
        for (int i = 0; i < headers.Length; i++)
        {
            ElfProgramHeader header = headers[i];
            if (header.Type != PT_LOAD)
                continue;
            string what = $"program header {i}: a segment at offset 0x{header.Offset:x} with 0x{header.FileSize:x} bytes, 0x{header.MemorySize:x} in memory at 0x{header.Address:x},";
            if (header.FileSize > header.MemorySize)
                throw file.Source.Malformed($"{what} has more bytes in the file than in memory");
            if (header.Offset > file.Source.Length || header.FileSize > file.Source.Length - header.Offset)
                throw file.Source.Malformed($"{what} does not fit the file of 0x{file.Source.Length:x} bytes");
            if (header.Address > ulong.MaxValue - header.MemorySize)
                throw file.Source.Malformed($"{what} does not fit the address space");
            segments.Add(new ElfSegment(new FileOffset(header.Offset), header.FileSize, new LinkAddress(header.Address), header.MemorySize, (ElfSegmentAccess)(header.Flags & 7)));
        }
        _segments = [.. segments];
        _code = FindCode(file.Sections);
    }

    /// <summary>The segments in the order of the file.</summary>
    public IReadOnlyList<ElfSegment> Segments => _segments;

    /// <summary>The code's ranges of file offsets, sorted, without overlap; ends are exclusive.</summary>
    public ReadOnlySpan<(ulong Start, ulong End)> Code => _code;

    /// <summary>The address of a byte of the file. Where two segments show one byte, the executable one counts.</summary>
    public bool TryGetAddress(FileOffset offset, out LinkAddress address)
    {
        address = default;
        bool found = false;
        foreach (ElfSegment segment in _segments)
        {
            if (!segment.Contains(offset) || (found && !segment.IsExecutable))
                continue;
            address = segment.LinkAddress + (offset.Value - segment.FileOffset.Value);
            found = true;
            if (segment.IsExecutable)
                break;
        }
        return found;
    }

    /// <summary>The file's byte at an address; none for memory that is zero-filled.</summary>
    public bool TryGetOffset(LinkAddress address, out FileOffset offset)
    {
        foreach (ElfSegment segment in _segments)
        {
            if (segment.Contains(address))
            {
                offset = segment.FileOffset + (address.Value - segment.LinkAddress.Value);
                return true;
            }
        }
        offset = default;
        return false;
    }

    /// <summary>The range of code that holds a byte of the file.</summary>
    public bool TryGetCode(ulong offset, out (ulong Start, ulong End) range)
    {
        int low = 0, high = _code.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            range = _code[middle];
            if (offset < range.Start)
                high = middle - 1;
            else if (offset >= range.End)
                low = middle + 1;
            else
                return true;
        }
        range = default;
        return false;
    }

    private (ulong Start, ulong End)[] FindCode(IReadOnlyList<ElfSection> sections)
    {
        var ranges = new List<(ulong Start, ulong End)>();
        foreach (ElfSegment segment in _segments)
        {
            if (!segment.IsExecutable || segment.FileSize == 0)
                continue;
            ulong start = segment.FileOffset.Value, end = start + segment.FileSize;
            if (sections.Count == 0)
                ranges.Add((start, end));
            foreach (ElfSection section in sections)
            {
                if (!section.IsExecutable || !section.HasFileContents || section.FileOffset.Value >= end)
                    continue;
                ulong from = Math.Max(start, section.FileOffset.Value);
                ulong to = section.Size > end - section.FileOffset.Value ? end : section.FileOffset.Value + section.Size;
                if (from < to)
                    ranges.Add((from, to));
            }
        }
        ranges.Sort();
        return Separate(ranges);
    }

    // Sections stay apart, because the end of one ends a function without a size; what overlaps is cut off.
    private static (ulong Start, ulong End)[] Separate(List<(ulong Start, ulong End)> sorted)
    {
        var result = new List<(ulong Start, ulong End)>(sorted.Count);
        ulong end = 0;
        foreach ((ulong start, ulong stop) in sorted)
        {
            ulong from = Math.Max(start, end);
            if (from >= stop)
                continue;
            result.Add((from, stop));
            end = stop;
        }
        return [.. result];
    }
}
