using Uprobes.Images;
using Uprobes.Processes;

namespace Uprobes.Script.Running;

/// <summary>Finds the files that a pattern of an attach point means: those that the processes map, and those of a directory.</summary>
internal static class FilePatterns
{
    /// <summary>Paths, each once.</summary>
    /// <param name="pattern">With <c>*</c>, <c>?</c> and <c>[…]</c>; <c>*</c> alone means everything that is mapped.</param>
    /// <param name="processIds">The target's processes.</param>
    internal static IReadOnlyList<string> Find(string pattern, IReadOnlyList<int> processIds)
    {
        GlobPattern glob = new(pattern);
        SortedSet<string> found = new(StringComparer.Ordinal);
        foreach (Mapping mapping in processIds.SelectMany(MappingParser.ReadProcess))
        {
            if (mapping is { IsExecutable: true, HasFile: true } && mapping.Path.StartsWith('/')
                && (glob.IsMatch(mapping.Path) || !pattern.Contains('/', StringComparison.Ordinal) && glob.IsMatch(Path.GetFileName(mapping.Path))))
                found.Add(mapping.Path);
        }

        // A pattern in the file's name only: directories are not searched through.
        string? directory = Path.GetDirectoryName(pattern);
        if (directory is { Length: > 0 } && directory.AsSpan().IndexOfAny('*', '?', '[') < 0 && Directory.Exists(directory))
        {
            foreach (string path in Directory.EnumerateFiles(directory))
            {
                if (glob.IsMatch(path))
                    found.Add(path);
            }
        }

        return [.. found];
    }
}
