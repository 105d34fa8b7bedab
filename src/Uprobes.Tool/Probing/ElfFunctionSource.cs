using Uprobes.Images;
using Uprobes.Images.StaticProbes;

namespace Uprobes.Tool.Probing;

/// <summary>The functions of an image of the library, whose owner closes it.</summary>
internal sealed class ElfFunctionSource(ElfImage image, string? shownPath = null) : IFunctionSource
{
    /// <summary>The image.</summary>
    public ElfImage Image => image;

    /// <inheritdoc/>
    public string Path => shownPath ?? image.Path;

    /// <inheritdoc/>
    public object Identity => image.Id;

    /// <inheritdoc/>
    public IEnumerable<FunctionInfo> All => image.Functions.All.Select(Convert);

    /// <inheritdoc/>
    public IReadOnlyList<FunctionInfo> Named(string name) => [.. image.Functions.Named(name).Select(Convert)];

    /// <inheritdoc/>
    public IReadOnlyList<FunctionInfo> Matching(string pattern) => [.. image.Functions.Matching(pattern).Select(Convert)];

    /// <inheritdoc/>
    public IReadOnlyList<StaticProbeNote> StaticProbes => image.StaticProbes;

    /// <inheritdoc/>
    public SourceLookup FindLine(string file, int line, int? column) => SourceLookup.Find(image, file, line, column);

    /// <inheritdoc/>
    public FunctionTypes? TypesOf(FunctionInfo function)
    {
        if (!image.TryGetAddress(new FileOffset(function.Offset), out var address) || image.Types.FindFunction(address) is not { } found)
            return null;
        return new FunctionTypes(
            [.. found.Parameters.Select(parameter => $"{image.Types.TextOf(parameter.Type)} {parameter.Name}".TrimEnd())],
            found.Result.IsVoid ? null : image.Types.TextOf(found.Result));
    }

    /// <inheritdoc/>
    public string? WhyWithoutTypes => image.Types.IsPresent ? null
        : image.Types.Problems is [var problem, ..] ? $"{Path}: {problem}"
        : $"{Path} has no debug information: {MissingDebugInformation.Remedy(image)}";

    /// <inheritdoc/>
    public string? WhyWithoutNames => MissingDebugInformation.RemedyForNames(image);

    /// <inheritdoc/>
    public IReadOnlyList<FunctionPlan> Plan(IReadOnlyList<FunctionInfo> functions) => EntryPlans.Of(image, functions);

    private static FunctionInfo Convert(FunctionSymbol symbol)
    {
        // An old version of a function is another function; without its version it would look like the current one.
        var isCurrent = symbol.Version is null || symbol.IsDefaultVersion;
        var name = isCurrent ? symbol.DisplayName : $"{symbol.DisplayName}@{symbol.Version}";
        return new FunctionInfo(name, symbol.Offset.Value, symbol.Size, symbol.IsIndirect, isCurrent);
    }
}
