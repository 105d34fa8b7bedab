using System.Buffers;
using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;
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
    /// <summary>The lines above those of the functions.</summary>
    public const int HeadLines = 2;

    private const int ColumnWidth = 10, Gap = 2, LeastNameWidth = 16;
    private const string NameColumn = "FUNCTION";
    private static readonly DistributionValue.Durations Durations = new();

    /// <summary>The columns before the name; the first is what is missed most where there is no room for all.</summary>
    private static readonly (string Name, Func<TopRow, double, string> Cell)[] Columns =
    [
        ("CALLS/S", static (row, seconds) => Rate(row.Calls / seconds)),
        ("TIME/S", static (row, seconds) => Durations.Mean((double)row.Nanoseconds / seconds)),
        ("AVERAGE", static (row, _) => row.Calls == 0 ? "-" : Durations.Mean(row.Average)),
        ("99% <=", static (row, _) => row.Calls == 0 ? "-" : Durations.Text(row.MostlyAtMost)),
        ("CALLS", static (row, _) => row.TotalCalls.ToString(CultureInfo.InvariantCulture)),
        ("TIME", static (row, _) => Durations.Text(row.TotalNanoseconds)),
    ];

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
        var columns = Filled(shown, seconds);
        string Cells(int line) => string.Concat(columns.Select(c => c.Cells[line].PadLeft(c.Width)));
        return
        [
            Summary(all, shown, seconds, elapsed),
            .. Names(all, shown).Prepend(NameColumn).Select((name, line) => $"{Cells(line)}{new string(' ', Gap)}{name}"),
        ];
    }

    /// <summary>
    /// The same for a terminal's window: a name is cut where its end has no room, and columns are left out where names would have none.
    /// </summary>
    /// <param name="all">All functions.</param>
    /// <param name="shown">Those that are shown, in their order.</param>
    /// <param name="seconds">Since the last look.</param>
    /// <param name="elapsed">Since the start.</param>
    /// <param name="width">The window's columns.</param>
    /// <param name="heading">How the columns' names look.</param>
    public static IRenderable Screen(IReadOnlyList<TopRow> all, IReadOnlyList<TopRow> shown, double seconds, TimeSpan elapsed, int width, Style heading)
    {
        var columns = Filled(shown, seconds);
        while (columns.Count > 0 && columns.Sum(c => c.Width) + Gap + LeastNameWidth > width)
            columns.RemoveAt(columns.Count - 1);
        var table = new Table { Border = TableBorder.None, Expand = false };
        foreach (var (index, column) in columns.Index())
        {
            var gap = new Padding(0, 0, index == columns.Count - 1 ? Gap : 0, 0);
            table.AddColumn(new TableColumn(new Text(column.Cells[0], heading)) { Alignment = Justify.Right, NoWrap = true, Padding = gap, Width = column.Width });
        }
        var nameWidth = width - columns.Sum(c => c.Width) - (columns.Count > 0 ? Gap : 0);
        table.AddColumn(new TableColumn(new Text(NameColumn, heading)) { NoWrap = true, Padding = new Padding(0), Width = nameWidth });
        foreach (var (index, name) in Names(all, shown).Index())
            table.AddRow([.. columns.Select(c => new Text(c.Cells[index + 1])), new OneLine(name)]);
        return new Rows(new OneLine(Summary(all, shown, seconds, elapsed)), table);
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

    private static string Summary(IReadOnlyList<TopRow> all, IReadOnlyList<TopRow> shown, double seconds, TimeSpan elapsed)
    {
        var hidden = all.Count - shown.Count;
        return string.Create(CultureInfo.InvariantCulture, $"{elapsed.TotalSeconds:0}s: {Rate(all.Sum(r => r.Calls) / seconds)} calls/s of {Amount.Of(all.Count, "function")}{(hidden > 0 ? $", {hidden} not shown (-n)" : "")}");
    }

    private static IEnumerable<string> Names(IReadOnlyList<TopRow> all, IReadOnlyList<TopRow> shown)
    {
        var severalImages = all.Select(r => r.Probe.ImagePath).Distinct().Skip(1).Any();
        return shown.Select(row => Escaping.Text(severalImages ? $"{Path.GetFileName(row.Probe.ImagePath)}:{row.Probe.Function}" : row.Probe.Function));
    }

    /// <summary>The columns with their cells, the name first, and their widths.</summary>
    private static List<(IReadOnlyList<string> Cells, int Width)> Filled(IReadOnlyList<TopRow> shown, double seconds) =>
    [
        .. Columns.Select(column =>
        {
            IReadOnlyList<string> cells = [column.Name, .. shown.Select(row => column.Cell(row, seconds))];
            return (cells, Math.Max(ColumnWidth, cells.Max(c => c.Length) + Gap));
        }),
    ];
}
