using System.Diagnostics.CodeAnalysis;
using Uprobes.Linux;

namespace Uprobes.Arming.Trap.X64;

/// <summary>Why no executable was found.</summary>
internal enum ExecutableRefusal
{
    /// <summary>One was found.</summary>
    None,

    /// <summary>No file of that name is there, or in any directory of PATH.</summary>
    NotFound,

    /// <summary>A file of that name is there, but may not be executed, or is not a regular file.</summary>
    NotExecutable,

    /// <summary>The name is a directory's.</summary>
    IsDirectory,
}

/// <summary>What a search for an executable gave.</summary>
/// <param name="Path">The file that was found, or the one that was refused; null if there is none.</param>
/// <param name="Refusal">Why it cannot be used.</param>
internal readonly record struct ExecutableSearch(string? Path, ExecutableRefusal Refusal)
{
    /// <summary>Whether <see cref="Path"/> can be executed.</summary>
    [MemberNotNullWhen(true, nameof(Path))]
    internal bool Found => Refusal == ExecutableRefusal.None;
}

/// <summary>Finds the file that a command's name means, by the rules of execvp(3).</summary>
internal static class ExecutableFinder
{
    /// <summary>Where the C library looks when PATH is not set at all (confstr(3), _CS_PATH).</summary>
    private const string DefaultSearchPath = "/bin:/usr/bin";

    /// <summary>Finds a command by our own PATH.</summary>
    internal static ExecutableSearch FindExecutable(string name) =>
        FindExecutable(name, Environment.GetEnvironmentVariable("PATH"));

    /// <summary>
    /// Finds a command. A name with a slash is a path. Any other is looked for in each directory in turn; one that may
    /// not be executed is passed over, and reported if no better comes.
    /// </summary>
    /// <param name="name">The command's name, or a path.</param>
    /// <param name="searchPath">Directories, separated by colons, an empty one being the working directory; null when PATH is not set.</param>
    internal static ExecutableSearch FindExecutable(string name, string? searchPath)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length == 0)
            return new ExecutableSearch(null, ExecutableRefusal.NotFound);
        if (name.Contains('/', StringComparison.Ordinal))
            return Judge(name);

        var best = new ExecutableSearch(null, ExecutableRefusal.NotFound);
        foreach (string directory in (searchPath ?? DefaultSearchPath).Split(':'))
        {
            ExecutableSearch candidate = Judge(directory.Length == 0 ? "./" + name : Path.Join(directory, name));
            if (candidate.Found)
                return candidate;
            if (best.Path is null)
                best = candidate;
        }
        return best;
    }

    private static ExecutableSearch Judge(string path)
    {
        if (Directory.Exists(path))
            return new ExecutableSearch(path, ExecutableRefusal.IsDirectory);
        if (!File.Exists(path))
            return new ExecutableSearch(null, ExecutableRefusal.NotFound);
        bool executable = LibC.faccessat(LibC.AT_FDCWD, path, LibC.X_OK, LibC.AT_EACCESS) == 0;
        return new ExecutableSearch(path, executable ? ExecutableRefusal.None : ExecutableRefusal.NotExecutable);
    }
}
