namespace Uprobes.Tool.Probing;

/// <summary>Finds the files that list shows.</summary>
internal interface IImageFinder
{
    /// <summary>Opens one file, or all files that a process maps.</summary>
    /// <param name="processId">In whose view names are resolved; null for that of this process.</param>
    /// <param name="name">A path or library name; null, with a process, for all that it maps.</param>
    /// <exception cref="Messages.ToolException">There is none.</exception>
    OpenedImages Find(int? processId, string? name);

    /// <summary>Opens the file that a name means to a program that does not run yet.</summary>
    /// <param name="program">The program, as a path or a name of PATH.</param>
    /// <param name="name">A path or library name.</param>
    /// <exception cref="Messages.ToolException">There is none.</exception>
    OpenedImages FindFor(string program, string name);
}

/// <summary>Open images; closes them when disposed.</summary>
internal sealed class OpenedImages(IReadOnlyList<IFunctionSource> sources, IReadOnlyList<string> problems) : IDisposable
{
    /// <summary>The images.</summary>
    public IReadOnlyList<IFunctionSource> Sources => sources;

    /// <summary>What could not be opened, a sentence each.</summary>
    public IReadOnlyList<string> Problems => problems;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var source in sources)
            (source as IDisposable)?.Dispose();
    }
}
