using Uprobes.Registry;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Probing;

/// <summary>Says what to do when an image cannot be opened.</summary>
internal static class ImageErrors
{
    /// <summary>The error for a refused image.</summary>
    public static ToolException Explain(string name, ProbeRefusal refusal, IEnumerable<int> processIds) => new(
        refusal.Detail,
        refusal.Reason switch
        {
            ProbeRefusalReason.NoSuchFile => MissingHint(name, processIds),
            ProbeRefusalReason.FileNotReadable => "read permission on the file is needed: run as its owner or as root",
            ProbeRefusalReason.NotElf => "only 64-bit x86-64 programs and libraries can be probed; a script is run by its interpreter, probe that",
            _ => null,
        });

    // Libraries are named without directory and version, as users write them.
    private static string? MissingHint(string name, IEnumerable<int> processIds)
    {
        const int Shown = 12;
        var mapped = processIds.SelectMany(MappedFiles.Of).Select(m => ShortName(m.Path)).Distinct().Order(StringComparer.Ordinal).ToList();
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
