using System.Text.Json;
using Uprobes.LiveTests.Kit;
using static Uprobes.LiveTests.CommandLine.TracedCalls;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>The command finds the same whichever way probes are armed.</summary>
public sealed class EngineTests
{
    private static readonly string[] Sqlite =
        ["sqlite3", ":memory:", "create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n where i < 500) insert into t select i, i * i from n; select sum(b) from t where a % 3 = 0"];

    private static readonly string[] Bash = ["/bin/bash", "--norc", "-c", "s=0; for i in {1..300}; do s=$((s + i)); a[$i]=x$i; done; echo $s ${#a[@]} ${a[7]//x/y}"];

    [Fact]
    public void Counts_of_sqlite_are_the_same_by_jumps_and_by_breakpoints()
    {
        Require.Program("sqlite3");
        AssertSameCounts("libsqlite3:sqlite3_*", Sqlite);
    }

    [Fact]
    public void Counts_of_bash_are_the_same_by_jumps_and_by_breakpoints() => AssertSameCounts("/bin/bash:*_variable*", Bash);

    [Fact]
    public void Filtered_counts_are_the_same_by_jumps_and_by_breakpoints()
    {
        Require.Program("sqlite3");
        AssertSameCounts("libsqlite3:sqlite3_*", Sqlite, "--where", "arg1 > 16 && (arg1 & 1) == 0 && (int32)arg2 != -1");
    }

    [Fact]
    public void The_calls_of_sqlite_are_the_same_by_jumps_and_by_breakpoints()
    {
        Require.Program("sqlite3");
        string[] arguments = ["libsqlite3:sqlite3_*", "--args", "0", "-f", "json", "--"];
        IEnumerable<string> CallsBy(string engine) => Objects(Run("trace", engine, [.. arguments, .. Sqlite]))
            .Select(o => o.GetProperty("function").GetString()!);
        Assert.Equal(CallsBy("trap"), CallsBy("auto"));
    }

    [Fact]
    public void Where_only_jumps_are_wanted_what_cannot_have_one_is_refused_with_the_reason()
    {
        CommandResult result = UprobeCommand.Run("count", $"{Targets.Path("calls-pie")}:*", "--engine", "inline", "--all", "-f", "json", "-v", "--", Targets.Path("calls-pie"), "quit");
        IReadOnlyList<JsonElement> objects = Objects(result.Output[result.Output.IndexOf('{')..]);
        string?[] refused = [.. objects.Where(o => o.GetProperty("type").GetString() == "refused").Select(o => o.GetProperty("reason").GetString())];
        Assert.Contains(refused, reason => reason!.Contains("process", StringComparison.Ordinal));
        Assert.All(objects.Where(o => o.GetProperty("type").GetString() == "count"), o => Assert.Contains(o.GetProperty("engine").GetString(), (string[])["inline", "none"]));
    }

    private static void AssertSameCounts(string spec, string[] command, params string[] more)
    {
        (string Function, long Count)[] trapped = Counts("trap", spec, command, more), patched = Counts("auto", spec, command, more);
        Assert.NotEmpty(trapped);
        Assert.Equal(trapped, patched);
    }

    private static (string Function, long Count)[] Counts(string engine, string spec, string[] command, string[] more)
    {
        IReadOnlyList<JsonElement> counts = Objects(Run("count", engine, [spec, "-f", "json", .. more, "--", .. command]));
        if (engine == "auto")
            Assert.Contains(counts, c => c.GetProperty("engine").GetString() == "inline");
        else
            Assert.All(counts, c => Assert.Equal("trap", c.GetProperty("engine").GetString()));
        return [.. counts.Select(c => (c.GetProperty("function").GetString()!, c.GetProperty("count").GetInt64()))];
    }

    private static string Run(string command, string engine, params string[] arguments) => string.Concat(
        Lines(UprobeCommand.Results([command, "--engine", engine, .. arguments])).Where(l => !l.Contains("\"refused\"", StringComparison.Ordinal)).Select(l => l + "\n"));
}
