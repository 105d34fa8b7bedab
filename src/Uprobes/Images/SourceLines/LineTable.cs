namespace Uprobes.Images.SourceLines;

/// <summary>
/// Which line of source an instruction comes from, where debug information says so: in the image itself or in a separate debug file.
/// Read when it is first needed. Thread-safe.
/// </summary>
internal sealed class LineTable
{
    // What is kept of a file: one of these for each function or unit of it.
    private const int MostSequences = 1 << 22;

    // What looking for one address may have to go through.
    private const int LongestSequence = 1 << 22;
    private readonly Lazy<Found?> _found;
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, LineFiles?> _files = [];

    // What is read of tables of files: units share them, and those of one whose tables overlap could otherwise be as long as one likes.
    private long _fileBytes;

    // What is kept of them, at 16 bytes each.
    private int _filesLeft = 1 << 22;

    /// <summary>Reads nothing yet.</summary>
    internal LineTable(ElfImage image) => _found = new Lazy<Found?>(() => Read(image));

    private readonly record struct Sequence(ulong Start, ulong End, LineUnit Unit, int Position);

    // All files' names of a section, and as much again.
    private const int FilePasses = 2;

    private sealed record Found(LineSection Section, ulong[] Starts, Sequence[] Sequences);

    /// <summary>The line of an instruction, or null where nothing is known of it.</summary>
    internal SourceLine? Find(LinkAddress address)
    {
        if (_found.Value is not { } found)
            return null;
        int index = Array.BinarySearch(found.Starts, address.Value);
        index = index < 0 ? ~index - 1 : index;
        if (index < 0 || address.Value >= found.Sequences[index].End)
            return null;
        Sequence sequence = found.Sequences[index];
        var program = new LineProgram(found.Section, sequence.Unit, sequence.Position);
        LineRow last = default;
        while (program.TryNext(out LineRow row))
        {
            // Of several rows at one place the last counts.
            if (row.Address > address.Value || row.IsEnd)
                break;
            last = row;
        }

        return last.Line == 0 || sequence.Unit.FileAt(last.File) is not { } file ? null : new SourceLine(file, last.Line);
    }

    /// <summary>The path of a file by its number in a unit's line table; null where there is no such file.</summary>
    /// <param name="unit">Where the unit's line table starts.</param>
    /// <param name="number">The number, as the unit's version counts.</param>
    internal string? FileAt(ulong unit, ulong number)
    {
        if (_found.Value is not { } found)
            return null;
        lock (_gate)
        {
            if (!_files.TryGetValue(unit, out LineFiles? files))
                _files.Add(unit, files = ReadFiles(found.Section, unit));
            return files?.PathAt(number);
        }
    }

    private LineFiles? ReadFiles(LineSection section, ulong offset)
    {
        if (offset >= (ulong)section.Lines.Length || !LineUnit.TryRead(section, (int)offset, out LineUnit? unit, out _) || unit is null)
            return null;
        _fileBytes += unit.Program - (int)offset;
        if (_fileBytes > (long)FilePasses * section.Lines.Length)
            return null;
        LineFiles files = unit.ReadFiles(_filesLeft);
        _filesLeft -= files.Kept;
        return files;
    }

    /// <summary>Finds where the code of a line begins; see <see cref="LineSearch"/>.</summary>
    internal LineSearch Search(string file, uint line, uint? column)
    {
        LineSearch search = new(file, line, column);
        if (_found.Value is not { } found)
            return search;
        search.HasLines = found.Sequences.Length > 0;
        foreach (LineUnit unit in found.Sequences.Select(sequence => sequence.Unit).Distinct())
            search.Add(found.Section, unit);
        return search;
    }

    private static Found? Read(ElfImage image)
    {
        try
        {
            if (ReadSection(image.File) is { } own)
                return Index(own);
            using SeparateDebugFile? separate = SeparateDebugFile.Find(image, []);
            return separate is not null && ReadSection(separate.File) is { } other ? Index(other) : null;
        }
        catch (ImageException)
        {
            // Lines are an addition: functions and offsets are shown without them.
            return null;
        }
    }

    private static LineSection? ReadSection(ElfFile file)
    {
        if (file.FindSection(".debug_line") is not { } lines)
            return null;
        ElfSection? strings = file.FindSection(".debug_line_str");
        ulong limit = file.Limits.LineTableBytes;
        return new LineSection(CompressedSection.Read(file, lines, limit), strings is null ? [] : CompressedSection.Read(file, strings, limit));
    }

    private static Found Index(LineSection section)
    {
        List<Sequence> sequences = [];
        for (int offset = 0; LineUnit.TryRead(section, offset, out LineUnit? unit, out int end); offset = end)
        {
            if (unit is not null)
                AddSequences(section, unit, sequences);
        }

        sequences.Sort((a, b) => a.Start.CompareTo(b.Start));
        return new Found(section, [.. sequences.Select(s => s.Start)], [.. sequences]);
    }

    private static void AddSequences(LineSection section, LineUnit unit, List<Sequence> sequences)
    {
        var program = new LineProgram(section, unit, unit.Program);
        int position = program.Position;
        ulong? start = null;
        while (program.TryNext(out LineRow row))
        {
            start ??= row.Address;
            if (!row.IsEnd)
                continue;
            // The linker leaves sequences at 0 behind for functions that it dropped.
            if (start != 0 && row.Address > start && sequences.Count < MostSequences && program.Position - position <= LongestSequence)
                sequences.Add(new Sequence(start.Value, row.Address, unit, position));
            (start, position) = (null, program.Position);
        }
    }
}
