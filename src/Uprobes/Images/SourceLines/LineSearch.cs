namespace Uprobes.Images.SourceLines;

/// <summary>
/// Looks through line tables for the code of one line of one file. A file is meant by its path or the last parts of it: <c>list.c</c>, <c>src/list.c</c>. Where a line
/// has no code, the next one that has some is found.
/// </summary>
/// <param name="file">The file.</param>
/// <param name="line">The line, from 1.</param>
/// <param name="column">The column, from 1; null for the whole line.</param>
internal sealed class LineSearch(string file, uint line, uint? column)
{
    // A header, or one name, may be in each unit of the largest programs; different files of one name are few.
    private const int MostNames = 1 << 16, MostPlaces = 1 << 16, MostJoined = 1 << 18, MostPaths = 1 << 12, LongestName = 255;
    private readonly Dictionary<string, Best> _files = new(StringComparer.Ordinal);
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private int _joined;

    /// <summary>The nearest line of a file and where its code begins.</summary>
    private sealed class Best
    {
        internal uint Line { get; set; } = uint.MaxValue;

        internal uint Last { get; set; }

        internal List<(ulong Address, uint Column)> Places { get; } = [];
    }

    /// <summary>Whether there are any line tables.</summary>
    internal bool HasLines { get; set; }

    /// <summary>Names of the files that code comes from, without directories.</summary>
    internal IReadOnlyCollection<string> Names => _names;

    /// <summary>The paths that the file's name means.</summary>
    internal IEnumerable<string> Paths => _files.Keys;

    /// <summary>The last line with code of the files that are meant; 0 for none.</summary>
    internal uint LastLine => _files.Values.Select(best => best.Last).DefaultIfEmpty().Max();

    /// <summary>The columns of the line at which code begins, where the compiler says them.</summary>
    internal IEnumerable<uint> Columns => _files.Values.Where(best => best.Line == line).SelectMany(best => best.Places).Select(place => place.Column).Where(one => one > 0).Distinct().Order();

    /// <summary>Where code begins that is asked for: path, line and link-time address.</summary>
    internal IEnumerable<(string Path, uint Line, ulong Address)> Places =>
        from found in _files
        from place in found.Value.Places
        where column is null || (place.Column == column && found.Value.Line == line)
        select (found.Key, found.Value.Line, place.Address);

    /// <summary>Looks through a unit.</summary>
    internal void Add(LineSection section, LineUnit unit)
    {
        Dictionary<ulong, Best> meant = [];
        LineFiles files = unit.ReadFiles();
        foreach (ulong number in files.Numbers)
        {
            if (files.NameAt(number) is not { } own)
                continue;
            string name = LastPartOf(own);
            if (_names.Count < MostNames && name.Length <= LongestName)
                _names.Add(name);
            // Paths are made of those only that can be meant: directories may be long.
            if (name != LastPartOf(file) || _joined++ >= MostJoined || files.PathAt(number) is not { } path || !IsMeant(path))
                continue;
            if (!_files.TryGetValue(path, out Best? best))
            {
                if (_files.Count >= MostPaths)
                    continue;
                _files.Add(path, best = new Best());
            }

            meant[number] = best;
        }

        if (meant.Count > 0)
            AddRows(section, unit, meant);
    }

    private static string LastPartOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    private bool IsMeant(string path)
    {
        string wanted = file.StartsWith("./", StringComparison.Ordinal) ? file[2..] : file;
        // Before version 5 the directory that the compiler ran in is not in the table: the path may be the shorter one.
        return path == wanted || IsEndOf(wanted, path) || IsEndOf(path, wanted);
    }

    private static bool IsEndOf(string end, string path) =>
        path.Length > end.Length && !end.StartsWith('/') && path.EndsWith(end, StringComparison.Ordinal) && path[^(end.Length + 1)] == '/';

    private void AddRows(LineSection section, LineUnit unit, Dictionary<ulong, Best> meant)
    {
        var program = new LineProgram(section, unit, unit.Program);
        LineRow before = default;
        ulong? start = null;
        while (program.TryNext(out LineRow row))
        {
            start ??= row.Address;
            if (row.IsEnd)
            {
                (start, before) = (null, default);
                continue;
            }

            bool isNew = row.Line != before.Line || row.File != before.File || row.Column != before.Column || (row.IsStatement && !before.IsStatement);
            // The linker leaves sequences at 0 behind for functions that it dropped.
            if (start != 0 && isNew && row.IsStatement && row.Line > 0 && meant.TryGetValue(row.File, out Best? file))
                Add(file, row);
            before = row;
        }
    }

    private void Add(Best best, LineRow row)
    {
        best.Last = Math.Max(best.Last, row.Line);
        if (row.Line < line || row.Line > best.Line || best.Places.Count >= MostPlaces)
            return;
        if (row.Line < best.Line)
            best.Places.Clear();
        best.Line = row.Line;
        best.Places.Add((row.Address, row.Column));
    }
}
