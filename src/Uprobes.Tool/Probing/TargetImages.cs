using Uprobes.Images;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Probing;

/// <summary>The files that the names of a script mean to its target, before anything is attached or started. Owns what it opened.</summary>
/// <param name="images">Finds files.</param>
/// <param name="target">The target; null for none.</param>
internal sealed class TargetImages(IImageFinder images, TargetChoice? target) : IDisposable
{
    private readonly List<OpenedImages> _opened = [];

    /// <summary>The files of a name; none where there is no such file, which is told when the script's probes are looked for.</summary>
    public IReadOnlyList<ElfImage> Open(string name) => target switch
    {
        TargetChoice.Processes processes => [.. processes.Ids.SelectMany(id => Open(() => images.Find(id, name))).DistinctBy(image => image.Id)],
        TargetChoice.Command command => Open(() => images.FindFor(command.Program, name)),
        _ => Open(() => images.Find(null, name)),
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var opened in _opened)
            opened.Dispose();
    }

    private List<ElfImage> Open(Func<OpenedImages> find)
    {
        try
        {
            var opened = find();
            _opened.Add(opened);
            return [.. opened.Sources.OfType<ElfFunctionSource>().Select(source => source.Image)];
        }
        catch (ToolException)
        {
            return []; // The reason is told where the probes are resolved, with its place in the script.
        }
    }
}
