namespace Uprobes.Images.SourceLines;

/// <summary>One unit of <c>.debug_line</c>: its header (DWARF 5, 6.2.4; versions 2 to 5), and where its program is.</summary>
internal sealed class LineUnit
{
    private const ushort DirectoryFirst = 5;
    private const int HighestForm = 0x1f;

    // Of one unit: the largest programs have some thousand.
    private const int MostFiles = 1 << 20;
    private readonly LineSection _section;
    private int _tables;

    private LineUnit(LineSection section) => _section = section;

    internal ushort Version { get; private set; }

    internal bool IsWide { get; private set; }

    /// <summary>Where the program starts in the section.</summary>
    internal int Program { get; private set; }

    /// <summary>Where the unit ends.</summary>
    internal int End { get; private set; }

    internal byte MinimumInstruction { get; private set; }

    /// <summary>Whether rows are beginnings of statements until the program says something else.</summary>
    internal bool BeginsWithStatements { get; private set; }

    internal sbyte LineBase { get; private set; }

    internal byte LineRange { get; private set; }

    internal byte OpcodeBase { get; private set; }

    /// <summary>How many operands each standard instruction has, from 1.</summary>
    internal byte[] Operands { get; private set; } = [];

    /// <summary>Reads the header at an offset.</summary>
    /// <param name="section">The section.</param>
    /// <param name="offset">Where the unit starts.</param>
    /// <param name="unit">The unit, or null where it cannot be read.</param>
    /// <param name="end">Where the next one starts.</param>
    /// <returns>False at the end, or where not even the length can be read.</returns>
    internal static bool TryRead(LineSection section, int offset, out LineUnit? unit, out int end)
    {
        (unit, end) = (null, 0);
        var reader = new SpanReader(section.Lines);
        if (!reader.TrySeek(offset) || !reader.TryReadUInt32(out uint shortLength))
            return false;
        ulong length = shortLength;
        bool isWide = shortLength == uint.MaxValue;
        if ((isWide && !reader.TryReadUInt64(out length)) || length > (ulong)reader.Remaining)
            return false;
        end = reader.Position + (int)length;
        var made = new LineUnit(section) { IsWide = isWide, End = end };
        unit = made.TryReadHeader(ref reader) ? made : null;
        return true;
    }

    /// <summary>The path of a file by its number in the program, or null.</summary>
    internal string? FileAt(ulong number) => ReadFiles(MostFiles, number).PathAt(number);

    /// <summary>Reads where the names of the files are.</summary>
    /// <param name="most">How many directories and files are kept at most.</param>
    /// <param name="last">The last one that is wanted.</param>
    internal LineFiles ReadFiles(int most = MostFiles, ulong last = ulong.MaxValue)
    {
        var reader = new SpanReader(_section.Lines.AsSpan(0, Program));
        reader.TrySeek(_tables);
        LineFiles files = new(_section, Version >= DirectoryFirst ? 0UL : 1, most);
        if (Version >= DirectoryFirst)
            ReadForms(ref reader, files, last);
        else
            ReadLists(ref reader, files, last);
        return files;
    }

    private bool TryReadHeader(ref SpanReader reader)
    {
        if (!reader.TryReadUInt16(out ushort version) || version is < 2 or > 5
            || (version >= DirectoryFirst && !(reader.TryReadByte(out byte address) && address == 8 && reader.TryReadByte(out byte selector) && selector == 0))
            || !TryReadOffset(ref reader, out ulong headerLength) || headerLength > (ulong)(End - reader.Position))
            return false;
        Version = version;
        Program = reader.Position + (int)headerLength;
        // Of version 4 on: how many operations an instruction has, which is more than 1 on other processors only.
        if (!reader.TryReadByte(out byte minimum) || (version >= 4 && !reader.TryReadByte(out _)) || !reader.TryReadByte(out byte statements)
            || !reader.TryReadByte(out byte lineBase) || !reader.TryReadByte(out byte lineRange) || lineRange == 0
            || !reader.TryReadByte(out byte opcodeBase) || opcodeBase == 0 || !reader.TryReadBytes(opcodeBase - 1UL, out ReadOnlySpan<byte> operands))
            return false;
        BeginsWithStatements = statements != 0;
        (MinimumInstruction, LineBase, LineRange, OpcodeBase, Operands) = (minimum, (sbyte)lineBase, lineRange, opcodeBase, operands.ToArray());
        _tables = reader.Position;
        return _tables <= Program;
    }

    private bool TryReadOffset(ref SpanReader reader, out ulong value)
    {
        if (IsWide)
            return reader.TryReadUInt64(out value);
        bool read = reader.TryReadUInt32(out uint four);
        value = four;
        return read;
    }

    // Directories, an empty one, files with their directory's number from 1, an empty one; 0 is the compiler's own directory.
    private static void ReadLists(ref SpanReader reader, LineFiles files, ulong last)
    {
        for (int start = reader.Position; reader.TryReadString(out ReadOnlySpan<byte> directory) && !directory.IsEmpty; start = reader.Position)
        {
            if (!files.TryAddDirectory(new LineText(start, false)))
                return;
        }

        int name = reader.Position;
        for (ulong i = 1; i <= last && reader.TryReadString(out ReadOnlySpan<byte> text) && !text.IsEmpty; i++)
        {
            if (!reader.TryReadUleb(out ulong directory) || !reader.TryReadUleb(out _) || !reader.TryReadUleb(out _) || !files.TryAddFile(new LineText(name, false), directory))
                return;
            name = reader.Position;
        }
    }

    // Both tables say of what their entries consist; directory 0 is the compiler's own, and files are counted from 0.
    private void ReadForms(ref SpanReader reader, LineFiles files, ulong last)
    {
        if (TryReadEntries(ref reader, ulong.MaxValue, (path, _) => files.TryAddDirectory(path)))
            TryReadEntries(ref reader, last, files.TryAddFile);
    }

    /// <summary>Goes through a table.</summary>
    /// <param name="reader">At its start.</param>
    /// <param name="last">The last entry that is wanted.</param>
    /// <param name="take">Takes path and directory, and says whether more are wanted.</param>
    private bool TryReadEntries(ref SpanReader reader, ulong last, Func<LineText, ulong, bool> take)
    {
        if (!reader.TryReadByte(out byte formats))
            return false;
        var form = new (ulong Content, ulong Form)[formats];
        for (int i = 0; i < form.Length; i++)
        {
            if (!reader.TryReadUleb(out form[i].Content) || !reader.TryReadUleb(out form[i].Form))
                return false;
        }

        if (!reader.TryReadUleb(out ulong count) || (formats == 0 && count != 0))
            return false;
        for (ulong i = 0; i < count && i <= last; i++)
        {
            LineText path = LineText.None;
            ulong directory = 0;
            foreach ((ulong content, ulong kind) in form)
            {
                if (!TryReadForm(ref reader, kind, out LineText text, out ulong value))
                    return false;
                if (content == 1) // DW_LNCT_path
                    path = text;
                else if (content == 2) // DW_LNCT_directory_index
                    directory = value;
            }

            if (!take(path, directory))
                return false;
        }

        return true;
    }

    private bool TryReadForm(ref SpanReader reader, ulong form, out LineText text, out ulong value)
    {
        (text, value) = (LineText.None, 0);
        switch (form)
        {
            case 0x08: // DW_FORM_string
                text = new LineText(reader.Position, false);
                return reader.TryReadString(out _);
            case HighestForm: // DW_FORM_line_strp
                if (!TryReadOffset(ref reader, out value))
                    return false;
                text = value <= int.MaxValue ? new LineText((int)value, true) : LineText.None;
                return true;
            case 0x0e: // DW_FORM_strp: no compiler writes it here; the entry has no name then
                return TryReadOffset(ref reader, out _);
            case 0x0f: // DW_FORM_udata
                return reader.TryReadUleb(out value);
            case 0x0b: // DW_FORM_data1
                bool read = reader.TryReadByte(out byte one);
                value = one;
                return read;
            case 0x05: // DW_FORM_data2
                read = reader.TryReadUInt16(out ushort two);
                value = two;
                return read;
            case 0x06: // DW_FORM_data4
                read = reader.TryReadUInt32(out uint four);
                value = four;
                return read;
            case 0x07: // DW_FORM_data8
                return reader.TryReadUInt64(out value);
            case 0x1e: // DW_FORM_data16: a checksum
                return reader.TrySkip(16);
            case 0x09: // DW_FORM_block
                return reader.TryReadUleb(out ulong length) && reader.TrySkip(length);
            default:
                return false;
        }
    }
}
