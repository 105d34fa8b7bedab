using System.Text.Json;
using Uprobes.LiveTests.Kit;
using static Uprobes.LiveTests.CommandLine.TracedCalls;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>hist and latency on programs that were not written to be probed: whichever way probes are armed, and against what trace sees.</summary>
public sealed class DistributionTests
{
    private static readonly string Sql = Path.Combine(Checkout.Root, "tests", "targets", "workload.sql");

    [Fact]
    public void What_sqlite_allocates_is_the_same_by_jumps_and_by_breakpoints()
    {
        string[] command = [Require.Program("sqlite3"), ":memory:", $".read {Sql}"];
        string[] specs = ["libc:malloc", "libc:realloc", "libsqlite3:sqlite3_malloc*", "(arg0 >= 4096) * 1000 + (arg0 & 255)"];
        Assert.Equal(Distributions("trap", "hist", specs, command), Distributions("auto", "hist", specs, command));
    }

    [Fact]
    public void What_bash_returns_is_the_same_by_jumps_and_by_breakpoints()
    {
        string[] command = ["/bin/bash", "--norc", "-c", "for i in {1..200}; do a[$i]=x$i; done; s=${a[7]//x/y}; [[ $s == y7 ]] && echo ${#a[@]}"];
        string[] specs = ["/bin/bash:find_variable*", "/bin/bash:array_*", "(retval != 0) * 2 + (arg0 != 0)", "--linear", "0,4,1", "--where", "arg1 != 0"];
        Assert.Equal(Distributions("trap", "hist", specs, command), Distributions("auto", "hist", specs, command));
    }

    [Fact]
    public void A_histogram_has_just_the_values_that_trace_shows()
    {
        string[] command = [Require.Program("sqlite3"), ":memory:", "create table t(a); insert into t values (1), (2), (3); select sum(a), hex(zeroblob(5000)) from t"];
        long[] traced = [.. Objects(Run("trace", "auto", ["libc:malloc", "-f", "json", "--args", "1", "--", .. command]))
            .Where(o => o.GetProperty("type").GetString() == "call").Select(o => o.GetProperty("args")[0].GetInt64())];
        JsonElement histogram = Assert.Single(Objects(Run("hist", "auto", ["libc:malloc", "arg0", "-f", "json", "--", .. command])));
        Assert.Equal((traced.Length, traced.Sum(), traced.Min(), traced.Max()),
            (histogram.GetProperty("count").GetInt32(), histogram.GetProperty("sum").GetInt64(), histogram.GetProperty("min").GetInt64(), histogram.GetProperty("max").GetInt64()));
        foreach (JsonElement bucket in histogram.GetProperty("buckets").EnumerateArray())
        {
            (long least, long limit) = (bucket.GetProperty("least").GetInt64(), bucket.GetProperty("limit").GetInt64());
            Assert.Equal(traced.Count(size => size >= least && size < limit), bucket.GetProperty("count").GetInt32());
        }
    }

    [Theory]
    [InlineData("trap")]
    [InlineData("auto")]
    public void Latency_is_the_time_that_calls_take(string engine)
    {
        string python = Require.InstalledFile("/usr/bin/python3");
        string[] script = [python, "-c", "import time\nfor ms in (20, 20, 60): time.sleep(ms / 1000)"];
        JsonElement latency = Assert.Single(Objects(Run("latency", engine, ["libc:clock_nanosleep", "-f", "json", "--where", "duration > 1ms", "--", .. script])));
        Assert.Equal(3, latency.GetProperty("count").GetInt32());
        Assert.InRange(latency.GetProperty("min").GetInt64(), 20_000_000, 60_000_000);
        Assert.InRange(latency.GetProperty("max").GetInt64(), 60_000_000, 5_000_000_000);
        Assert.InRange(latency.GetProperty("sum").GetInt64(), 100_000_000, 5_000_000_000);
    }

    [Fact]
    public void Latency_has_as_many_calls_of_each_function_as_count()
    {
        string[] command = [Require.Program("sqlite3"), ":memory:", $".read {Sql}"];
        Dictionary<string, long> latency = CountsOf(Run("latency", "auto", ["libsqlite3:sqlite3_*", "-f", "json", "--", .. command]));
        Dictionary<string, long> counts = CountsOf(Run("count", "auto", ["libsqlite3:sqlite3_*", "-f", "json", "--", .. command]));
        Assert.Equal(counts.OrderBy(c => c.Key), latency.OrderBy(c => c.Key));
    }

    [Theory]
    [InlineData("hist", "arg0")]
    [InlineData("latency", null)]
    public void An_ordinary_user_may_ask_about_a_process_of_his_own(string command, string? value)
    {
        Require.OtherUser();
        StartOptions nobody = new() { User = StartOptions.Nobody };
        using TargetProcess target = TargetProcess.StartTarget(nobody, "calls-pie");
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        string[] values = value is null ? [] : [value];
        using TargetProcess tool = UprobeCommand.Start(nobody, [command, "-p", $"{target.Pid}", Spec("calls-pie", "fact"), .. values]);
        tool.WaitForErrorLine("attached ");
        target.Ask("fact 5");
        tool.Signal(Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.StartsWith(value is null ? "fact: 50 calls in " : "fact: 50 values of arg0, 1 to 10, average 5.5, sum 275\n", tool.Output, StringComparison.Ordinal);
        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Fact]
    public void Values_of_several_processes_are_one_distribution()
    {
        using TargetProcess first = TargetProcess.StartTarget("calls-pie"), second = TargetProcess.StartTarget("calls-pie");
        using TargetProcess tool = UprobeCommand.Start("hist", "-p", $"{first.Pid}", "-p", $"{second.Pid}", Spec("calls-pie", "fact"), "retval", "--where", "arg0 > 9");
        tool.WaitForErrorLine("attached 1 probe to 2 processes");
        first.Ask("fact 2");
        second.Ask("fact 3");
        first.Quit();
        second.Quit();
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.StartsWith("fact: 5 values of retval, 3628800 to 3628800, ", tool.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_that_cannot_be_read_is_told()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using TargetProcess tool = Attach(target, "hist", Spec("calls-pie", "fact"), "(int32)*arg0");
        target.Ask("fact 1");
        tool.Signal(Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.StartsWith("fact: 10 values of (int32)*arg0, 0 to 0,", tool.Output, StringComparison.Ordinal);
        Assert.Contains("10 reads of memory that was not there", tool.Errors, StringComparison.Ordinal);
    }

    /// <summary>All that does not depend on time or addresses, a line a function.</summary>
    private static List<string> Distributions(string engine, string command, string[] specs, string[] program)
    {
        List<string> lines = [.. Objects(Run(command, engine, [.. specs, "-f", "json", "--", .. program]))
            .Where(o => o.GetProperty("type").GetString() == command)
            .Select(o => string.Join(' ', o.EnumerateObject().Where(p => p.Name != "engine").Select(p => p.Value.GetRawText())))];
        Assert.NotEmpty(lines);
        return lines;
    }

    private static Dictionary<string, long> CountsOf(string output) => Objects(output)
        .Where(o => o.GetProperty("type").GetString() is "count" or "latency")
        .ToDictionary(o => o.GetProperty("function").GetString()!, o => o.GetProperty("count").GetInt64());

    private static string Run(string command, string engine, string[] arguments) => UprobeCommand.Results([command, "--engine", engine, .. arguments]);
}
