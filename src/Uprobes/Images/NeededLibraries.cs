using Uprobes.Linux;

namespace Uprobes.Images;

/// <summary>Which libraries a program that does not run yet will be given: the closure of its DT_NEEDED entries.</summary>
internal sealed class NeededLibraries(string root, ReadLimits limits, IReadOnlyList<string> libraryPath, Func<LoaderCache?> cache, IReadOnlyList<string> directories)
{
    /// <summary>Follows the entries breadth first, as the dynamic linker does (ld.so(8)).</summary>
    /// <param name="program">The program's path below the root.</param>
    /// <param name="problems">Takes which file could not be followed and why.</param>
    /// <returns>The names that are needed and the paths below the root that they lead to, without those not found.</returns>
    public IReadOnlyList<(string Name, string Path)> Find(string program, List<string> problems)
    {
        var found = new List<(string, string)>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var waiting = new Queue<string>([program]);
        while (waiting.TryDequeue(out string? path) && found.Count < limits.NeededLibraries)
        {
            if (RootedPath.Resolve(root, path, limits.SymbolicLinks) is not { } file)
                continue;
            try
            {
                using ElfImage image = ElfImage.Open(file, limits);
                // The program's interpreter is mapped too, though usually nothing needs it by name.
                if (image.Interpreter is { } interpreter && seen.Add(System.IO.Path.GetFileName(interpreter)))
                    found.Add((System.IO.Path.GetFileName(interpreter), interpreter));
                foreach (string name in image.Needed)
                {
                    if (seen.Add(name) && Locate(name, path, image.RunPath) is { } library)
                    {
                        found.Add((name, library));
                        waiting.Enqueue(library);
                    }
                }
            }
            catch (ImageException error)
            {
                problems.Add(error.Message);
            }
        }
        return found;
    }

    private string? Locate(string name, string neededBy, IReadOnlyList<string> runPath)
    {
        if (name.Contains('/', StringComparison.Ordinal))
            return Exists(name) ? name : null;
        string origin = System.IO.Path.GetDirectoryName(neededBy) ?? "/";
        foreach (string directory in libraryPath.Concat(runPath.Select(Expand)))
        {
            if (Exists($"{directory}/{name}"))
                return $"{directory}/{name}";
        }
        foreach ((string soname, string path) in cache()?.Libraries ?? [])
        {
            if (soname == name && Exists(path))
                return path;
        }
        return directories.Select(directory => $"{directory}/{name}").FirstOrDefault(Exists);

        string Expand(string directory) => directory
            .Replace("${ORIGIN}", origin, StringComparison.Ordinal)
            .Replace("$ORIGIN", origin, StringComparison.Ordinal)
            .Replace("${LIB}", "lib", StringComparison.Ordinal)
            .Replace("$LIB", "lib", StringComparison.Ordinal);
    }

    private bool Exists(string path) => RootedPath.TryFind(root, path, limits.SymbolicLinks, out _, out FileStatus status) && status.IsRegular;
}
