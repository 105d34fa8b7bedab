using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Probing;

/// <summary>Advises who named a library that is not there.</summary>
internal static class MissingImageHint
{
    private const int Shown = 12;

    /// <summary>The mapped libraries with a near name, or else the mapped ones; null when nothing is mapped.</summary>
    public static string? For(string name, IEnumerable<string> mappedPaths)
    {
        // Libraries are named as users write them, without directory and version.
        var mapped = mappedPaths.Select(ShortName).Distinct().Order(StringComparer.Ordinal).ToList();
        return NearNames.Hint(ShortName(name), mapped)
            ?? (mapped.Count == 0 ? null : $"mapped are: {string.Join(", ", mapped.Take(Shown))}{(mapped.Count > Shown ? ", ..." : "")}");
    }

    private static string ShortName(string path)
    {
        var name = Path.GetFileName(path);
        var suffix = name.IndexOf(".so", StringComparison.Ordinal);
        return suffix > 0 ? name[..suffix] : name;
    }
}
