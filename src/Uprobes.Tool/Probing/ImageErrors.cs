using Uprobes.Registry;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Probing;

/// <summary>Says what to do when an image cannot be opened.</summary>
internal static class ImageErrors
{
    /// <summary>The error for a refused image.</summary>
    public static ToolException Explain(string name, ProbeRefusal refusal, IEnumerable<int> processIds) => new(
        refusal.Reason == ProbeRefusalReason.NoSuchFile ? $"no file called {name} was found" : refusal.Detail,
        refusal.Reason switch
        {
            ProbeRefusalReason.NoSuchFile => MissingImageHint.For(name, processIds.SelectMany(MappedFiles.Of).Select(m => m.Path)),
            ProbeRefusalReason.FileNotReadable => "read permission on the file is needed: run as its owner or as root",
            ProbeRefusalReason.NotElf => "only 64-bit x86-64 programs and libraries can be probed; a script is run by its interpreter, probe that",
            _ => null,
        });
}
