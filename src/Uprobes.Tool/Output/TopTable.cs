using System.Buffers;
using System.Globalization;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Output;

/// <summary>What the table of top is sorted by.</summary>
internal enum TopOrder
{
    /// <summary>The most calls since the last look first.</summary>
    Calls,

    /// <summary>The most time since the last look first.</summary>
    Time,
}

/// <summary>Writes what functions do as a table.</summary>
internal static class TopTable
{
    private const int ColumnWidth = 10;
    private static readonly DistributionValue.Durations Durations = new();

    /// <summary>The first rows in an order.</summary>
    public static IReadOnlyList<TopRow> Sorted(IEnumerable<TopRow> rows, TopOrder order, int most) =>
    [
        .. (order == TopOrder.Time
                ? rows.OrderByDescending(r => r.Nanoseconds).ThenByDescending(r => r.TotalNanoseconds)
                : rows.OrderByDescending(r => r.Calls).ThenByDescending(r => r.TotalCalls))
            .ThenBy(r => r.Probe.Function, StringComparer.Ordinal).Take(most),
    ];

    /// <summary>The lines of the table: a line that sums up, one with the columns' names, one a function.</summary>
    /// <param name="all">All functions.</param>
    /// <param name="shown">Those that are shown, in their order.</param>
    /// <param name="seconds">Since the last look.</param>
    /// <param name="elapsed">Since the start.</param>
    public static IReadOnlyList<string> Lines(IReadOnlyList<TopRow> all, IReadOnlyList<TopRow> shown, double seconds, TimeSpan elapsed)
    {
        var severalImages = all.Select(r => r.Probe.ImagePath).Distinct().Skip(1).Any();
        var hidden = all.Count - shown.Count;
        List<string> lines =
        [
            string.Create(CultureInfo.InvariantCulture, $"{elapsed.TotalSeconds:0}s: {Rate(all.Sum(r => r.Calls) / seconds)} calls/s of {Amount.Of(all.Count, "function")}{(hidden > 0 ? $", {hidden} not shown (-n)" : "")}"),
            Line("CALLS/S", "TIME/S", "AVERAGE", "99% <=", "CALLS", "TIME", "FUNCTION"),
        ];
        foreach (var row in shown)
        {
            var name = severalImages ? $"{Path.GetFileName(row.Probe.ImagePath)}:{row.Probe.Function}" : row.Probe.Function;
            lines.Add(Line(
                Rate(row.Calls / seconds),
                Durations.Mean((double)row.Nanoseconds / seconds),
                row.Calls == 0 ? "-" : Durations.Mean(row.Average),
                row.Calls == 0 ? "-" : Durations.Text(row.MostlyAtMost),
                row.TotalCalls.ToString(CultureInfo.InvariantCulture),
                Durations.Text(row.TotalNanoseconds),
                Escaping.Text(name)));
        }
        return lines;
    }

    /// <summary>Writes one object a function.</summary>
    public static void WriteJson(ArrayBufferWriter<byte> output, IReadOnlyList<TopRow> rows, double seconds, TimeSpan elapsed)
    {
        using var lines = new JsonLines();
        foreach (var row in rows)
        {
            var writer = lines.Begin("top");
            writer.WriteNumber("elapsed", Math.Round(elapsed.TotalSeconds, 3));
            writer.WriteText("image", row.Probe.ImagePath);
            writer.WriteText("function", row.Probe.Function);
            writer.WriteString("engine", row.Engine);
            writer.WriteNumber("callsPerSecond", Math.Round(row.Calls / seconds, 3));
            writer.WriteNumber("nanosecondsPerSecond", Math.Round((double)row.Nanoseconds / seconds, 3));
            writer.WriteNumber("average", Math.Round(row.Average, 3));
            writer.WriteNumber("calls", row.TotalCalls);
            writer.WriteNumber("nanoseconds", (double)row.TotalNanoseconds);
            lines.End(output);
        }
    }

    private static string Rate(double perSecond) => perSecond.ToString(perSecond is > 0 and < 10 ? "0.0" : "0", CultureInfo.InvariantCulture);

    private static string Line(params ReadOnlySpan<string> cells)
    {
        var line = new System.Text.StringBuilder();
        foreach (var cell in cells[..^1])
            line.Append(cell.PadLeft(ColumnWidth));
        return line.Append("  ").Append(cells[^1]).ToString();
    }
}
