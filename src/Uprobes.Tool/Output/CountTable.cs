using System.Buffers;
using System.Globalization;
using Uprobes.Tool.Probing;
using Uprobes.Tool.Queries;

namespace Uprobes.Tool.Output;

/// <summary>One function's count.</summary>
/// <param name="Probe">The probe.</param>
/// <param name="Engine">By which engine it is armed.</param>
/// <param name="Count">How often it was hit.</param>
internal sealed record CountRow(PlannedProbe Probe, string Engine, long Count);

/// <summary>Writes counts: largest first, then by name.</summary>
internal static class CountTable
{
    private const string Heading = "COUNT";
    private const int ColumnWidth = 12;

    /// <summary>The rows to show.</summary>
    /// <param name="armed">The probes and what they counted.</param>
    /// <param name="all">Whether those that were not hit are shown, too.</param>
    public static IReadOnlyList<CountRow> Rows(IArmedPrograms armed, bool all)
    {
        var calls = armed.Snapshot(AggregateQueries.Main);
        return
        [
            .. armed.Armed.Select(a => new CountRow(a.Probe, armed.EngineOf(a), (long)(calls.OfProbe(a.Index)?.Count ?? 0)))
                .Where(r => all || r.Count != 0)
                .OrderByDescending(r => r.Count)
                .ThenBy(r => r.Probe.Function, StringComparer.Ordinal),
        ];
    }

    /// <summary>Writes a table with a total. Functions of several images carry the image's name.</summary>
    public static void WriteText(ArrayBufferWriter<byte> output, IReadOnlyList<CountRow> rows, TextStyle style)
    {
        var severalImages = rows.Select(r => r.Probe.ImagePath).Distinct().Skip(1).Any();
        WriteLine(output, Heading, "FUNCTION", style.Time, style.Reset);
        foreach (var row in rows)
        {
            var name = severalImages ? $"{Path.GetFileName(row.Probe.ImagePath)}:{row.Probe.Function}" : row.Probe.Function;
            WriteLine(output, row.Count.ToString(CultureInfo.InvariantCulture), Escaping.Text(name), "", "");
        }
        WriteLine(output, rows.Sum(r => r.Count).ToString(CultureInfo.InvariantCulture), "total", style.Function, style.Reset);
    }

    /// <summary>Writes one object a function.</summary>
    public static void WriteJson(ArrayBufferWriter<byte> output, IReadOnlyList<CountRow> rows)
    {
        using var lines = new JsonLines();
        foreach (var row in rows)
        {
            var writer = lines.Begin("count");
            writer.WriteText("image", row.Probe.ImagePath);
            writer.WriteText("function", row.Probe.Function);
            writer.WriteNumber("offset", row.Probe.Offset);
            writer.WriteString("engine", row.Engine);
            writer.WriteNumber("count", row.Count);
            lines.End(output);
        }
    }

    private static void WriteLine(ArrayBufferWriter<byte> output, string count, string name, string style, string reset)
    {
        output.WriteText(style);
        output.WriteText(count.PadLeft(ColumnWidth));
        output.WriteText("  ");
        output.WriteText(name);
        output.WriteText(reset);
        output.WriteText("\n");
    }
}
