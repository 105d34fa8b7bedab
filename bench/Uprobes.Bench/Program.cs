using System.Globalization;
using Spectre.Console;
using Uprobes.Bench;

string top = args[0], programs = args[1];
bool quick = args.Contains("--quick");
int rounds = quick ? 1 : 5;
Table table = new Table().Border(TableBorder.Markdown).AddColumns("what", "median", "", "ratio", "to");
table.Columns[1].RightAligned();
table.Columns[3].RightAligned();
foreach (Row row in (IEnumerable<Row>)[
    .. HitBenchmark.Run(programs, quick ? 1_000 : 20_000, rounds), .. BulkBenchmark.Run(rounds), .. CommandBenchmark.Run(top, rounds)])
{
    table.AddRow(row.Name, row.Value.ToString(row.Value < 100 ? "0.0" : "0", CultureInfo.InvariantCulture), row.Unit,
        row.Ratio?.ToString("0.00", CultureInfo.InvariantCulture) ?? "", row.Against ?? "");
}

AnsiConsole.Profile.Width = 140;
AnsiConsole.Write(table);
