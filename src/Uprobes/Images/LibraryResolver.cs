using Uprobes.Linux;

namespace Uprobes.Images;

/// <summary>
/// Finds the file that a user means by <c>libc</c>, <c>libssl.so.3</c>, <c>sqlite3</c>, <c>./app</c> or
/// <c>/usr/bin/app</c>. Places are asked in this order, and the first that has a match decides: a name with a slash is
/// a path; files that the target has mapped; what the target's program needs (DT_NEEDED, followed); the dynamic
/// linker's cache; the standard library directories; the programs of PATH, where scripts that start a program (shims) are
/// taken only if no directory has a program of machine code. Within one place an equal file name comes
/// before one that only adds <c>.so</c> and versions. Thread-safe.
/// </summary>
public sealed class LibraryResolver
{
    private const string CachePath = "/etc/ld.so.cache";
    private static readonly string[] Directories =
        ["/lib64", "/usr/lib64", "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"];
    private readonly string _root = "";
    private readonly Lazy<LoaderCache?> _cache;

    /// <summary>Creates a resolver for this machine's own root directory and environment; set what differs.</summary>
    public LibraryResolver() => _cache = new(ReadCache);

    /// <summary>
    /// The root directory of the target, for example <c>/proc/42/root</c>; <c>/</c> means our own. Absolute symbolic
    /// links below it are followed below it. Every path in this class's other properties is one below it, and every
    /// path that is found begins with it.
    /// </summary>
    public string Root
    {
        get => _root.Length == 0 ? "/" : _root;
        init => _root = value?.TrimEnd('/') ?? throw new ArgumentNullException(nameof(value));
    }

    /// <summary>The files that a running target has mapped, as <c>/proc/PID/maps</c> names them.</summary>
    public IReadOnlyList<string> MappedFiles { get; init; } = [];

    /// <summary>The program of a target that does not run yet, whose libraries are then looked at; or null.</summary>
    public string? MainExecutable { get; init; }

    /// <summary>The directories of LD_LIBRARY_PATH in the target's environment.</summary>
    public IReadOnlyList<string> LibraryPath { get; init; } = [];

    /// <summary>Where programs are looked for: the directories of PATH.</summary>
    public IReadOnlyList<string> ProgramPath { get; init; } =
        (Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin").Split(':', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Limits for the files that are read on the way.</summary>
    public ReadLimits Limits { get; init; } = ReadLimits.Default;

    /// <summary>Finds the file of a name.</summary>
    /// <param name="name">What the user wrote before the colon of a probe.</param>
    /// <returns>The file, or why there is none; a file that exists need not be ELF.</returns>
    /// <exception cref="ImageException">The dynamic linker's cache exceeds the limits or cannot be read to its end.</exception>
    public LibraryResolution Resolve(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var lookedAt = new List<string>();
        if (name.Contains('/', StringComparison.Ordinal))
        {
            bool exists = RootedPath.TryFind(_root, name, Limits.SymbolicLinks, out string path, out _);
            return exists ? Found(name, path, lookedAt) : new(name, LibraryResolutionOutcome.NotFound, null, [], [path]);
        }
        var wanted = new LibraryName(name);
        foreach ((string place, Func<List<string>, IEnumerable<(string Name, string Path)>> list) in Places(name))
        {
            lookedAt.Add(place);
            List<(string Name, string Path)> files = [.. list(lookedAt)];
            if (Choose(name, files.FindAll(file => wanted.IsExactly(file.Name)), firstWins: place == CachePath, lookedAt) is { } exact)
                return exact;
            if (Choose(name, files.FindAll(file => wanted.IsStemOf(file.Name)), firstWins: false, lookedAt) is { } stem)
                return stem;
        }
        // A script cannot be probed, but that it is one is a better answer than that there is nothing.
        IEnumerable<(string, string)> scripts = ProgramPath.Select(directory => (name, $"{directory}/{name}")).Where(file => IsProgram(file.Item2, mustBeElf: false));
        return Choose(name, [.. scripts], firstWins: true, lookedAt) ?? new(name, LibraryResolutionOutcome.NotFound, null, [], lookedAt);
    }

    private static LibraryResolution Found(string name, string path, List<string> lookedAt) =>
        new(name, LibraryResolutionOutcome.Found, path, [path], lookedAt);

    private IEnumerable<(string Place, Func<List<string>, IEnumerable<(string Name, string Path)>> List)> Places(string name)
    {
        if (MappedFiles.Count > 0)
            yield return ("the files that the target has mapped", _ => MappedFiles.Select(WithFileName));
        if (MainExecutable is { } program)
            yield return ($"the libraries that {program} needs", problems => [WithFileName(program), .. FindNeeded(program, problems)]);
        yield return (CachePath, ListCache);
        foreach (string directory in Directories)
            yield return (directory, _ => ListLibraries(directory, name));
        foreach (string directory in ProgramPath)
            yield return (directory, _ => IsProgram($"{directory}/{name}", mustBeElf: true) ? [(name, $"{directory}/{name}")] : []);
    }

    // Several paths can be one file; only different files make a name ambiguous.
    private LibraryResolution? Choose(string name, List<(string Name, string Path)> files, bool firstWins, List<string> lookedAt)
    {
        var candidates = new List<string>();
        var seen = new HashSet<ImageId>();
        foreach ((_, string file) in files)
        {
            if (RootedPath.TryFind(_root, file, Limits.SymbolicLinks, out string path, out FileStatus status) && status.IsRegular
                && seen.Add(new ImageId(status.Device, status.Inode)))
                candidates.Add(path);
        }
        if (candidates.Count == 0)
            return null;
        return candidates.Count == 1 || firstWins
            ? Found(name, candidates[0], lookedAt)
            : new(name, LibraryResolutionOutcome.Ambiguous, null, candidates, lookedAt);
    }

    private IReadOnlyList<(string, string)> ListCache(List<string> problems)
    {
        if (_cache.Value is { } cache)
            return cache.Libraries;
        problems.Add($"({CachePath} is missing or of an unknown form)");
        return [];
    }

    private static (string, string) WithFileName(string path) => (System.IO.Path.GetFileName(path), path);

    private IReadOnlyList<(string, string)> FindNeeded(string program, List<string> problems) =>
        new NeededLibraries(_root, Limits, LibraryPath, () => _cache.Value, Directories).Find(program, problems);

    private bool IsProgram(string path, bool mustBeElf) =>
        RootedPath.TryFind(_root, path, Limits.SymbolicLinks, out string found, out FileStatus status) && status.IsProgram && (!mustBeElf || MayBeElf(found));

    private static bool MayBeElf(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            Span<byte> start = stackalloc byte[4];
            return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual("\u007fELF"u8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true; // whoever reads it next says why it cannot be read
        }
    }

    private IEnumerable<(string, string)> ListLibraries(string directory, string name)
    {
        if (!RootedPath.TryFind(_root, directory, Limits.SymbolicLinks, out string path, out FileStatus status) || !status.IsDirectory)
            return [];
        string start = name.EndsWith(".so", StringComparison.Ordinal) ? name[..^3] : name;
        var options = new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = 0 };
        return Directory.EnumerateFiles(path, "*", options).Select(System.IO.Path.GetFileName).OfType<string>()
            .Where(file => file.StartsWith(start, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(file => (file, $"{directory}/{file}"));
    }

    private LoaderCache? ReadCache()
    {
        if (!RootedPath.TryFind(_root, CachePath, Limits.SymbolicLinks, out string path, out FileStatus status) || !status.IsRegular
            || ReadOnlyFile.TryOpen(path, out _) is not { } handle)
            return null;
        using (handle)
        {
            var source = new FileByteSource(handle, path, FileStatus.Of(handle, path).Length);
            return LoaderCache.TryParse(source.ReadExactly(0, source.Length, Limits.LoaderCacheBytes, "the loader cache"));
        }
    }
}
