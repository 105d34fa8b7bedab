using System.Globalization;

namespace Uprobes.Tool.Probing;

/// <summary>A file whose code a process maps.</summary>
/// <param name="Path">The path in the process's own view.</param>
/// <param name="AccessPath">A path by which this process reaches the very file, also in a container and after its removal.</param>
internal sealed record MappedFile(string Path, string AccessPath);

/// <summary>Reads which files a process maps with execute permission.</summary>
internal static class MappedFiles
{
    private const int Fields = 6;
    private const string DeletedMark = " (deleted)";

    /// <summary>The files, each once, in the order of their addresses; none when the process has ended or may not be read.</summary>
    public static IReadOnlyList<MappedFile> Of(int processId)
    {
        var directory = string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}");
        try
        {
            return Parse(File.ReadAllText($"{directory}/maps"), directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Reads the text of /proc/PID/maps, where <paramref name="directory"/> is /proc/PID.</summary>
    public static IReadOnlyList<MappedFile> Parse(string maps, string directory)
    {
        var files = new List<MappedFile>();
        foreach (var line in maps.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // address perms offset device inode path; the path may hold blanks.
            var fields = line.Split(' ', Fields, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < Fields || !fields[1].Contains('x', StringComparison.Ordinal) || !fields[5].StartsWith('/'))
                continue;
            var path = fields[5];
            var access = $"{directory}/root{path}";
            if (path.EndsWith(DeletedMark, StringComparison.Ordinal))
            {
                path = path[..^DeletedMark.Length];
                access = $"{directory}/map_files/{fields[0]}";
            }
            if (files.All(f => f.Path != path))
                files.Add(new MappedFile(path, access));
        }
        return files;
    }
}
