using System.Text.Json;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

/// <summary>top, from the command line to what is written.</summary>
public sealed class TopCommandTests
{
    private static readonly FakeImage Image = new("/lib/libc.so.6", new FunctionInfo("malloc", 0x100, 16), new FunctionInfo("free", 0x200, 16), new FunctionInfo("read", 0x300, 16));

    [Fact]
    public void Without_a_terminal_a_plain_table_is_written_with_what_is_called_most_first()
    {
        var tool = Run(s =>
        {
            s.Call(0, [], duration: 100);
            s.Call(1, [], duration: 1_000_000);
            s.Call(0, [], duration: 300);
        }, "-n", "1");
        var lines = Lines(tool.Output);
        Assert.Matches(@"^[0-9]+s: [0-9.]+ calls/s of 2 functions, 1 not shown \(-n\)$", lines[0]);
        Assert.Equal("   CALLS/S    TIME/S   AVERAGE    99% <=     CALLS      TIME  FUNCTION", lines[1]);
        Assert.Equal(["200ns", "300ns", "2", "400ns", "malloc"], Columns(lines[2])[2..]);
        Assert.Equal(3, lines.Length);
        Assert.DoesNotContain('\e', tool.Output);
    }

    [Fact]
    public void What_takes_most_time_comes_first_on_request()
    {
        var tool = Run(s =>
        {
            s.Call(0, [], duration: 100);
            s.Call(0, [], duration: 100);
            s.Call(1, [], duration: 1_000_000);
        }, "--sort", "time");
        Assert.Equal(["free", "malloc"], Lines(tool.Output)[2..].Select(l => Columns(l)[^1]));
    }

    [Fact]
    public void Json_has_all_functions_that_were_called()
    {
        var tool = Run(s =>
        {
            s.Call(0, [], duration: 100);
            s.Call(2, [], duration: 900);
        }, "-f", "json", "-n", "1");
        var objects = Lines(tool.Output).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(["malloc", "read"], objects.Select(o => o.GetProperty("function").GetString()).Order());
        Assert.All(objects, o => Assert.Equal(("top", 1), (o.GetProperty("type").GetString(), o.GetProperty("calls").GetInt32())));
        Assert.Equal(1000, objects.Sum(o => o.GetProperty("nanoseconds").GetInt32()));
    }

    [Fact]
    public void Only_what_is_new_counts_as_now()
    {
        var session = new FakeSession(Image);
        var probes = Image.All.Select(f => new PlannedProbe("libc", Image.Path, f.Name, f.Offset, IsNamed: true)).ToList();
        using var armed = session.Run(Queries.AggregateQueries.Latency(new Queries.CallQuery(null, followsReturns: true), null), probes, null);
        var meter = new TopMeter();
        Assert.Empty(meter.Look(armed));
        session.Call(0, [], duration: 1000);
        session.Call(0, [], duration: 1000);
        var first = Assert.Single(meter.Look(armed));
        Assert.Equal((2, 2000, 1000, 2, 2000), (first.Calls, (int)first.Nanoseconds, (int)first.MostlyAtMost, first.TotalCalls, (int)first.TotalNanoseconds));
        session.Call(0, [], duration: 10);
        var second = Assert.Single(meter.Look(armed));
        Assert.Equal((1, 10, 15, 3, 2010), (second.Calls, (int)second.Nanoseconds, (int)second.MostlyAtMost, second.TotalCalls, (int)second.TotalNanoseconds));
        var third = Assert.Single(meter.Look(armed));
        Assert.Equal((0, 0, 0, 3), (third.Calls, (int)third.Nanoseconds, (int)third.MostlyAtMost, third.TotalCalls));
    }

    [Theory]
    [InlineData("top -p 2147483647 libc:malloc -n 0", "-n 0")]
    [InlineData("top -p 2147483647 libc:malloc -i 0", "-i 0")]
    [InlineData("top -p 2147483647 libc:malloc --sort name", "name")]
    [InlineData("top -p 2147483647 libc:malloc+4", "is inside a function")]
    public void A_command_line_without_meaning_is_answered_with_what_and_a_hint(string commandLine, string what) => ToolHarness.AssertRefused(commandLine, what);

    private static ToolHarness Run(Action<FakeSession> calls, params string[] arguments) => ToolHarness.Observe(Image, calls, ["top", "-p", "2147483647", "libc:*", .. arguments]);

    private static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string[] Columns(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
