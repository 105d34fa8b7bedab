namespace Uprobes.Bench;

/// <summary>One measured figure.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">The median.</param>
/// <param name="Unit">Of the value.</param>
/// <param name="Ratio">Against the figure that <paramref name="Against"/> names, taken in the same run.</param>
/// <param name="Against">What the ratio is to, or the goal.</param>
internal sealed record Row(string Name, double Value, string Unit, double? Ratio, string? Against)
{
    internal static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
