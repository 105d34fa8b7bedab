using System.Globalization;
using Spectre.Console;
using Uprobes.Bench;

if (args is ["first", var process, var image, var function])
{
    ArmingBenchmark.RunFirst(int.Parse(process, CultureInfo.InvariantCulture), image, function);
    return;
}

string top = args[0], programs = args[1];
bool quick = args.Contains("--quick");
int rounds = quick ? 1 : 5;
string[] parts = [.. args[2..].Where(a => !a.StartsWith('-'))];
bool Wants(string part) => parts.Length == 0 || parts.Contains(part);
Table table = new Table().Border(TableBorder.Markdown).AddColumns("what", "median", "", "ratio", "to");
table.Columns[1].RightAligned();
table.Columns[3].RightAligned();
foreach (Row row in (IEnumerable<Row>)[
    .. Wants("inline") ? new InlineBenchmark(programs, quick ? 20 : 200).Run() : [],
    .. Wants("arming") ? new ArmingBenchmark(programs, rounds).Run() : [],
    .. Wants("program") ? new ProgramBenchmark($"{top}/bench/workloads/sqlite.sql", rounds).Run() : [],
    .. Wants("trap") ? HitBenchmark.Run(programs, quick ? 1_000 : 20_000, rounds) : [],
    .. Wants("bulk") ? BulkBenchmark.Run(rounds) : [],
    .. Wants("command") ? CommandBenchmark.Run(top, rounds) : []])
{
    table.AddRow(row.Name, row.Value.ToString(row.Value < 100 ? "0.0" : "0", CultureInfo.InvariantCulture), row.Unit,
        row.Ratio?.ToString("0.00", CultureInfo.InvariantCulture) ?? "", row.Against ?? "");
}

AnsiConsole.Profile.Width = 140;
AnsiConsole.Write(table);
