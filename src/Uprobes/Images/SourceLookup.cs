using System.Globalization;
using Uprobes.Images.SourceLines;

namespace Uprobes.Images;

/// <summary>A place in an image at which a line of source begins.</summary>
/// <param name="Offset">The instruction's place in the file.</param>
/// <param name="Path">The source file as the compiler was given it.</param>
/// <param name="Line">The line.</param>
internal sealed record SourcePlace(FileOffset Offset, string Path, int Line);

/// <summary>What was found for a line of source. Immutable.</summary>
/// <param name="Places">Where it begins, by offset: once in each function, and once in each inlined copy. None where there is a problem.</param>
/// <param name="Problem">Why there are none, a sentence without its full stop; null otherwise.</param>
/// <param name="Hint">What to do about it; null where there is nothing to say.</param>
internal sealed record SourceLookup(IReadOnlyList<SourcePlace> Places, string? Problem, string? Hint)
{
    /// <summary>Names of the image's source files, where the one that was asked for is not among them.</summary>
    internal IReadOnlyCollection<string> OtherNames { get; init; } = [];

    /// <summary>Where the line has no code: that the next one was taken; null otherwise.</summary>
    internal string? Notice { get; init; }

    /// <summary>Looks for a line.</summary>
    /// <param name="image">The image.</param>
    /// <param name="file">The source file: its path, or the last parts of it.</param>
    /// <param name="line">From 1.</param>
    /// <param name="column">From 1; null for the whole line.</param>
    internal static SourceLookup Find(ElfImage image, string file, int line, int? column)
    {
        LineSearch search = image.Lines.Search(file, (uint)line, (uint?)column);
        if (!search.HasLines)
            return new SourceLookup([], $"{image.Path} has no debug information: which lines its code comes from is not known", MissingDebugInformation.Remedy(image));
        if (!search.Paths.Any())
            return new SourceLookup([], $"no code of {image.Path} comes from a file called `{file}`", null) { OtherNames = search.Names };
        List<(string Path, uint Line, ulong Address)> found = [.. search.Places];
        if (found.Count == 0)
        {
            string problem = search.LastLine < line
                ? Text($"{file} has no code at line {line} or behind it: the last line with code is {search.LastLine}")
                : Text($"no statement of {file}:{line} begins at column {column}{(search.Columns.Any() ? $": they do at {string.Join(", ", search.Columns)}" : "")}");
            return new SourceLookup([], problem, null);
        }

        List<SourcePlace> places = [.. FirstOfBlocks(image, found).OrderBy(place => place.Offset)];
        if (places.Count == 0)
            return new SourceLookup([], Text($"the code of {file}:{line} is not in {image.Path} any more: its debug information is that of another build"), null);
        uint taken = found.Min(one => one.Line);
        return new SourceLookup(places, null, null) { Notice = taken == line ? null : Text($"{file}:{line} has no code: line {taken} is taken, the next one that has some") };
    }

    /// <summary>Of the places of one function, or of one inlined copy, the first: a loop's line begins in several.</summary>
    private static IEnumerable<SourcePlace> FirstOfBlocks(ElfImage image, List<(string Path, uint Line, ulong Address)> found)
    {
        IReadOnlyDictionary<ulong, int> blocks = image.Types.BlocksOf([.. found.Select(one => one.Address).Distinct()]);
        HashSet<(string, int, ulong)> seen = [];
        foreach ((string path, uint line, ulong address) in found.OrderBy(one => one.Address))
        {
            if (!image.TryGetOffset(new LinkAddress(address), out FileOffset offset) || !image.IsExecutable(offset))
                continue;
            bool isKnown = blocks.TryGetValue(address, out int block);
            ulong function = isKnown ? 0 : image.Functions.TryFind(offset, out FunctionBounds bounds) ? bounds.Start.Value : offset.Value;
            if (seen.Add((path, block, function)))
                yield return new SourcePlace(offset, path, (int)line);
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
