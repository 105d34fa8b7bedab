using Uprobes.Linux;

namespace Uprobes.Images;

/// <summary>
/// Paths as a process with another root directory sees them. Through <c>/proc/PID/root</c> the kernel would take an
/// absolute symbolic link from our own root; here it is taken from that root.
/// </summary>
internal static class RootedPath
{
    /// <summary>The path to use from here for a path in there.</summary>
    /// <param name="root">Empty for our own root, or a directory without a slash at its end.</param>
    /// <param name="path">An absolute path below the root; a relative one is left alone where the root is our own.</param>
    /// <param name="links">Most symbolic links to follow.</param>
    /// <returns>A path in which no link leads out of the root; it need not exist. Null where there are too many links.</returns>
    public static string? Resolve(string root, string path, int links)
    {
        if (root.Length == 0)
            return path;
        var done = new List<string>();
        var rest = new Stack<string>(Split(path));
        while (rest.TryPop(out string? part))
        {
            if (part == "..")
            {
                if (done.Count > 0)
                    done.RemoveAt(done.Count - 1);
                continue;
            }
            done.Add(part);
            if (TryReadLink($"{root}/{string.Join('/', done)}") is not { } target)
                continue;
            if (links-- == 0)
                return null;
            done.RemoveAt(done.Count - 1);
            if (target.StartsWith('/'))
                done.Clear();
            foreach (string next in Split(target))
                rest.Push(next);
        }
        return $"{root}/{string.Join('/', done)}";
    }

    /// <summary>Whether the file exists, what it is, and by which path it is reached from here.</summary>
    public static bool TryFind(string root, string path, int links, out string found, out FileStatus status)
    {
        found = Resolve(root, path, links) ?? "";
        status = default;
        return found.Length > 0 && FileStatus.TryOf(found, out status, out _);
    }

    private static IEnumerable<string> Split(string path) =>
        path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".").Reverse();

    private static string? TryReadLink(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What cannot be looked at is no link to follow; opening the path will say why.
            return null;
        }
    }
}
