using System.Buffers.Binary;
using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images;

/// <summary>What the dynamic linker is told (PT_DYNAMIC). Immutable.</summary>
internal sealed class DynamicSection
{
    private readonly ElfFile _file;
    private readonly SegmentTable _segments;
    private readonly Dictionary<long, ulong> _values = [];

    /// <summary>Reads the entries and the few strings that they name.</summary>
    /// <exception cref="ImageException">Malformed or ReadFailed.</exception>
    public DynamicSection(ElfFile file, SegmentTable segments, ReadOnlySpan<ElfProgramHeader> headers)
    {
        _file = file;
        _segments = segments;
        var needed = new List<ulong>();
        foreach (ElfProgramHeader header in headers)
        {
            if (header.Type != PT_DYNAMIC)
                continue;
            byte[] entries = file.Source.ReadExactly(header.Offset, header.FileSize, file.Limits.DynamicTableBytes, "the dynamic section");
            for (int i = 0; i + DynamicEntryBytes <= entries.Length; i += DynamicEntryBytes)
            {
                long tag = BinaryPrimitives.ReadInt64LittleEndian(entries.AsSpan(i));
                ulong value = BinaryPrimitives.ReadUInt64LittleEndian(entries.AsSpan(i + 8));
                if (tag == DT_NULL)
                    break;
                if (tag == DT_NEEDED)
                    needed.Add(value);
                else
                    _values.TryAdd(tag, value);
            }
            break;
        }
        if (needed.Count > file.Limits.NeededLibraries)
            throw file.Source.Malformed($"the dynamic section needs {needed.Count} libraries, the limit is {file.Limits.NeededLibraries}");
        Needed = [.. needed.Select(index => ReadString(index, "DT_NEEDED"))];
        Soname = _values.TryGetValue(DT_SONAME, out ulong soname) ? ReadString(soname, "DT_SONAME") : null;
        RunPath = _values.TryGetValue(DT_RUNPATH, out ulong path) || _values.TryGetValue(DT_RPATH, out path)
            ? ReadString(path, "DT_RUNPATH").Split(':', StringSplitOptions.RemoveEmptyEntries)
            : [];
    }

    /// <summary>DT_NEEDED in the file's order.</summary>
    public IReadOnlyList<string> Needed { get; }

    /// <summary>DT_SONAME, or null.</summary>
    public string? Soname { get; }

    /// <summary>The directories of DT_RUNPATH, or else DT_RPATH, with <c>$ORIGIN</c> as it stands.</summary>
    public IReadOnlyList<string> RunPath { get; }

    /// <summary>DF_1_PIE.</summary>
    public bool IsMarkedAsProgram => _values.TryGetValue(DT_FLAGS_1, out ulong flags) && (flags & DF_1_PIE) != 0;

    /// <summary>The value of an entry that occurs at most once.</summary>
    public bool TryGet(long tag, out ulong value) => _values.TryGetValue(tag, out value);

    /// <summary>The file offset of a table that an entry points to.</summary>
    public bool TryGetTable(long tag, out ulong offset)
    {
        offset = 0;
        if (!_values.TryGetValue(tag, out ulong address) || !_segments.TryGetOffset(new LinkAddress(address), out FileOffset found))
            return false;
        offset = found.Value;
        return true;
    }

    private string ReadString(ulong index, string what)
    {
        if (!TryGetTable(DT_STRTAB, out ulong table))
            throw _file.Source.Malformed($"{what} refers to DT_STRTAB, which lies in no segment");
        if (index >= _file.Source.Length)
            throw _file.Source.Malformed($"{what} refers to offset 0x{index:x} of DT_STRTAB");
        return _file.Source.ReadString(table + index, _file.Limits.PathBytes, what);
    }
}
