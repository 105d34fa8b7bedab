namespace Uprobes.Images.SourceLines;

/// <summary>
/// The files of one unit's line table. Where their names and directories are is kept, and a path is made when it is asked for: all paths of a table can be a hundred
/// thousand times as long as the table.
/// </summary>
/// <param name="section">What the texts are in.</param>
/// <param name="first">The number of the first file.</param>
/// <param name="most">How many directories and files are kept together; what comes behind is unknown.</param>
internal sealed class LineFiles(LineSection section, ulong first, int most)
{
    private readonly List<LineText> _directories = [];
    private readonly List<(LineText Name, uint Directory)> _files = [];

    /// <summary>How many directories and files are kept.</summary>
    internal int Kept => _directories.Count + _files.Count;

    /// <summary>The numbers of the files.</summary>
    internal IEnumerable<ulong> Numbers => Enumerable.Range(0, _files.Count).Select(index => first + (ulong)index);

    private bool CountsFromZero => first == 0;

    /// <summary>Adds the next directory; false where there is no room.</summary>
    internal bool TryAddDirectory(LineText directory)
    {
        if (Kept >= most)
            return false;
        _directories.Add(directory);
        return true;
    }

    /// <summary>Adds the next file; false where there is no room.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="directory">The number of its directory.</param>
    internal bool TryAddFile(LineText name, ulong directory)
    {
        if (Kept >= most)
            return false;
        _files.Add((name, (uint)Math.Min(directory, uint.MaxValue)));
        return true;
    }

    /// <summary>The name of a file as its entry has it, which can have directories; null where there is no such file.</summary>
    internal string? NameAt(ulong number) => Find(number) is { } file ? section.TextAt(file.Name) : null;

    /// <summary>The path of a file; null where there is no such file.</summary>
    internal string? PathAt(ulong number)
    {
        if (Find(number) is not { } file || section.TextAt(file.Name) is not { } name)
            return null;
        if (!CountsFromZero) // Then 0 is the compiler's own directory, which is not in the table.
            return Join(file.Directory == 0 ? "" : DirectoryAt(file.Directory - 1), name);
        string folder = DirectoryAt(file.Directory);
        return Join(file.Directory == 0 ? folder : Join(DirectoryAt(0), folder), name);
    }

    private (LineText Name, uint Directory)? Find(ulong number) =>
        number >= first && number - first < (ulong)_files.Count ? _files[(int)(number - first)] : null;

    private string DirectoryAt(uint index) => index < (uint)_directories.Count ? section.TextAt(_directories[(int)index]) ?? "" : "";

    private static string Join(string directory, string path) =>
        path.StartsWith('/') || directory.Length == 0 ? path : path.Length == 0 ? directory : $"{directory.TrimEnd('/')}/{path}";
}
