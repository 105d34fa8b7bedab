using Uprobes.Images;
using Uprobes.Registry;

namespace Uprobes;

/// <summary>The probe points that a query's image and function name, and what of them cannot be probed.</summary>
/// <param name="Points">At least one.</param>
/// <param name="Refused">Functions that a pattern matches and that are none: resolvers of indirect functions.</param>
internal sealed record QueryPoints(IReadOnlyList<ProbePoint> Points, IReadOnlyList<ProbeRefusal> Refused)
{
    /// <summary>Finds them.</summary>
    /// <param name="images">All files that the image's name means; at least one.</param>
    /// <param name="name">The image's name.</param>
    /// <param name="function">A function's name, or a pattern.</param>
    /// <exception cref="ProbeRefusedException">There is no such function.</exception>
    internal static QueryPoints Find(IReadOnlyList<ElfImage> images, string name, string function)
    {
        List<ProbePoint> points = [];
        List<ProbeRefusal> refused = [];
        ProbeRefusedException? missing = null;
        foreach (ElfImage image in images)
        {
            try
            {
                if (image.Functions.Named(function).Count == 0 && function.AsSpan().IndexOfAny('*', '?', '[') >= 0)
                    AddMatching(image, function, points, refused);
                else
                    points.Add(Named(image, ProbePoint.At(name, function), isOnly: images.Count == 1));
            }
            catch (ProbeRefusedException e)
            {
                missing ??= e; // Another version of a library may have it.
            }
        }

        return points.Count > 0 ? new QueryPoints(points, refused) : throw missing ?? new ProbeRefusedException(refused[0]);
    }

    private static ProbePoint Named(ElfImage image, ProbePoint point, bool isOnly)
    {
        ProbeTarget target = ProbeTarget.Find(point, image);
        if (image.Functions.Named(point.Function!) is var symbols && symbols.First(s => s.Offset == target.Offset).IsIndirect)
            throw new ProbeRefusedException(Indirect(point));
        return isOnly ? point : ProbePoint.At(image, target.Offset, point.Function);
    }

    /// <summary>One point for all names of a function; of these the default version's, then the shortest.</summary>
    private static void AddMatching(ElfImage image, string pattern, List<ProbePoint> points, List<ProbeRefusal> refused)
    {
        int before = points.Count + refused.Count;
        foreach (IGrouping<FileOffset, FunctionSymbol> names in image.Functions.Matching(pattern).GroupBy(f => f.Offset))
        {
            string name = names.OrderByDescending(n => n.IsDefaultVersion).ThenBy(n => n.DisplayName.Length).ThenBy(n => n.DisplayName, StringComparer.Ordinal).First().DisplayName;
            ProbePoint point = ProbePoint.At(image, names.Key, name);
            if (names.Any(n => n.IsIndirect))
                refused.Add(Indirect(point));
            else
                points.Add(point);
        }

        if (points.Count + refused.Count == before)
            throw new ProbeRefusedException(new ProbeRefusal(ProbeRefusalReason.NoSuchSymbol, $"{image.Path}:{pattern}", $"no function of {image.Path} matches {pattern}"));
    }

    private static ProbeRefusal Indirect(ProbePoint point) => new(ProbeRefusalReason.NoSuchSymbol, point.ToString(),
        $"{point.Function} is an indirect function: the symbol is a resolver that runs once and picks the implementation that calls then go to; probe that one");
}
