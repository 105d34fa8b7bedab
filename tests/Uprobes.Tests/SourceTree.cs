namespace Uprobes.Tests;

/// <summary>The C# files of the checkout that these tests were built in.</summary>
internal static class SourceTree
{
    private static readonly string[] Folders = ["src", "tests"];

    /// <summary>The nearest folder above the test assembly that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>All hand-written files of src and tests.</summary>
    public static IEnumerable<string> Files() =>
        Folders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)
                && !file.EndsWith(".g.cs", StringComparison.Ordinal));

    /// <summary>The namespace that the file's folder asks for: folders below src or tests, joined by dots.</summary>
    public static string NamespaceOf(string file)
    {
        string[] folders = Path.GetRelativePath(Root, Path.GetDirectoryName(file)!).Split('/');
        return string.Join('.', folders.Skip(1));
    }

    /// <summary>The namespace that the file declares; null where it declares none (top-level statements, assembly attributes).</summary>
    public static string? NamespaceIn(string file)
    {
        string? line = File.ReadLines(file).FirstOrDefault(l => l.StartsWith("namespace ", StringComparison.Ordinal));
        return line?["namespace ".Length..].TrimEnd(';', ' ', '{');
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Uprobes.slnx")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"No Uprobes.slnx above {AppContext.BaseDirectory}: tests run inside their checkout");
    }
}
