using System.Text.Json;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

/// <summary>hist and latency, from the command line to what is written.</summary>
public sealed class DistributionCommandTests
{
    private static readonly FakeImage Image = new(
        "/lib/libc.so.6", new FunctionInfo("malloc", 0x100, 16), new FunctionInfo("calloc", 0x200, 16), new FunctionInfo("free", 0x300, 16));

    [Fact]
    public void Values_fall_into_powers_of_two_and_ranges_without_any_become_one()
    {
        var tool = Run(s =>
        {
            for (ulong size = 16; size < 24; size++)
                s.Hit(0, size);
            s.Hit(0, 1024);
        }, "hist", "libc:malloc", "arg0");
        Assert.Equal(
            """
            malloc: 9 values of arg0, 16 to 1K, average 131.1, sum 1180
              [16, 32)          8 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
              [32, 1K)          0 |                                        |
              [1K, 2K)          1 |@@@@@                                   |

            """,
            tool.Output);
    }

    [Fact]
    public void Steps_have_open_ends()
    {
        var tool = Run(s =>
        {
            s.Hit(0, unchecked((ulong)-5));
            s.Hit(0, 3);
            s.Hit(0, 99);
        }, "hist", "libc:malloc", "arg0", "--linear", "0,20,10");
        Assert.Equal(
            """
            malloc: 3 values of arg0, -5 to 99, average 32.3, sum 97
              (..., 0)           1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
              [0, 10)            1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
              [10, 20)           0 |                                        |
              [20, ...)          1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

            """,
            tool.Output);
    }

    [Fact]
    public void Several_functions_are_in_a_table_and_the_first_ones_have_their_ranges_shown()
    {
        var tool = Run(s =>
        {
            s.Call(0, [1], duration: 1_000);
            s.Call(0, [1], duration: 3_000);
            s.Call(1, [1], duration: 5_000_000);
        }, "latency", "libc:malloc", "libc:calloc", "libc:free", "--top", "1");
        Assert.Equal(
            """
                  CALLS     TOTAL   AVERAGE    50% <=    99% <=   LONGEST  FUNCTION
                      1    5.00ms    5.00ms    5.00ms    5.00ms    5.00ms  calloc
                      2    4.00us    2.00us    1.02us    3.00us    3.00us  malloc

            calloc: 1 call in 5.00ms, 5.00ms to 5.00ms, average 5.00ms
              [4.19ms, 8.39ms)          1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

            """,
            tool.Output);
    }

    [Fact]
    public void The_table_alone_is_shown_on_request()
    {
        var tool = Run(s => s.Call(0, [], duration: 70), "latency", "libc:malloc", "--top", "0");
        Assert.Equal(["CALLS     TOTAL   AVERAGE    50% <=    99% <=   LONGEST  FUNCTION", "1      70ns      70ns      70ns      70ns      70ns  malloc"],
            Lines(tool.Output).Select(l => l.Trim()));
    }

    [Fact]
    public void Json_is_exact_and_says_where_ranges_are_open()
    {
        var tool = Run(s =>
        {
            s.Hit(0, long.MaxValue);
            s.Hit(0, unchecked((ulong)long.MinValue));
        }, "hist", "libc:malloc", "arg0", "-f", "json");
        var line = JsonDocument.Parse(Assert.Single(Lines(tool.Output))).RootElement;
        Assert.Equal(["type", "image", "function", "offset", "engine", "value", "count", "sum", "min", "max", "average", "buckets"], line.EnumerateObject().Select(p => p.Name));
        Assert.Equal((long.MinValue, long.MaxValue, -1), (line.GetProperty("min").GetInt64(), line.GetProperty("max").GetInt64(), line.GetProperty("sum").GetInt64()));
        var buckets = line.GetProperty("buckets").EnumerateArray().ToList();
        Assert.Equal("""{"least":null,"limit":0,"count":1}""", buckets[0].GetRawText());
        Assert.Equal("""{"least":4611686018427387904,"limit":null,"count":1}""", buckets[^1].GetRawText());
    }

    [Fact]
    public void Json_of_latency_is_in_nanoseconds()
    {
        var tool = Run(s => s.Call(0, [], duration: 1234), "latency", "libc:malloc", "-f", "json");
        Assert.Equal(
            """{"type":"latency","image":"/lib/libc.so.6","function":"malloc","offset":256,"engine":"trap","unit":"ns","count":1,"sum":1234,"min":1234,"max":1234,"average":1234,"buckets":[{"least":1024,"limit":2048,"count":1}]}""",
            Assert.Single(Lines(tool.Output)));
    }

    [Theory]
    [InlineData("retval", "1, 7 to 7")]
    [InlineData("arg0 + retval", "1, 37 to 37")]
    [InlineData("duration", "1, 400 to 400")]
    public void A_value_of_the_return_is_taken_there_and_a_condition_on_arguments_at_the_entry(string value, string seen)
    {
        var tool = Run(s =>
        {
            s.Call(0, [30], result: 7, duration: 400);
            s.Call(0, [2], result: 8, duration: 500);
        }, "hist", "libc:malloc", value, "--where", "arg0 > 10");
        Assert.Contains(seen.Replace("1,", $"1 value of {value},", StringComparison.Ordinal), tool.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_calls_that_fulfil_a_condition_on_their_duration_count()
    {
        var tool = Run(s =>
        {
            s.Call(0, [], duration: 400);
            s.Call(0, [], duration: 20_000);
        }, "latency", "libc:malloc", "--where", "duration >= 10us");
        Assert.StartsWith("malloc: 1 call in 20.0us,", tool.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_calls_that_is_what_is_said()
    {
        Assert.Equal("no call returned\n", Run(_ => { }, "latency", "libc:malloc").Output);
        Assert.Equal("no calls\n", Run(_ => { }, "hist", "libc:malloc", "arg0").Output);
        Assert.Empty(Run(_ => { }, "hist", "libc:malloc", "arg0", "-f", "json").Output);
    }

    [Theory]
    [InlineData("hist -p 2147483647 libc:malloc", "no value is given behind 'libc:malloc'")]
    [InlineData("hist -p 2147483647 arg0", "no function is given")]
    [InlineData("hist -p 2147483647 libc:malloc argo", "there is no `argo`")]
    [InlineData("hist -p 2147483647 libc:malloc+4 retval", "is inside a function")]
    [InlineData("hist -p 2147483647 libc:malloc arg0 --linear 0,10", "three numbers")]
    [InlineData("hist -p 2147483647 libc:malloc arg0 --linear 10,0,1", "no range")]
    [InlineData("hist -p 2147483647 libc:malloc arg0 --linear 0,10,0", "no range")]
    [InlineData("hist -p 2147483647 libc:malloc arg0 --linear 0,1M,1", "width of 1049 or more")]
    [InlineData("hist -p 2147483647 libc:malloc arg0 --linear 0,arg0,1", "no number")]
    [InlineData("hist -p 2147483647 libc:malloc arg0 --top -1", "no number of functions")]
    [InlineData("latency -p 2147483647 libc:malloc+4", "is inside a function")]
    [InlineData("latency -p 2147483647 libc:malloc duration", "names no image")]
    [InlineData("latency -p 2147483647 libc:malloc --where", "--where")]
    public void A_command_line_without_meaning_is_answered_with_what_and_a_hint(string commandLine, string what)
    {
        var tool = new ToolHarness();
        Assert.Equal(ExitCode.Usage, tool.Run(commandLine.Split(' ')));
        Assert.StartsWith("uprobe: ", tool.Error, StringComparison.Ordinal);
        Assert.Contains(what, tool.Error, StringComparison.Ordinal);
        Assert.Contains("\n  hint: ", tool.Error, StringComparison.Ordinal);
        Assert.Empty(tool.Output);
    }

    [Fact]
    public void A_text_in_the_value_may_have_a_colon()
    {
        var tool = Run(_ => { }, "hist", "libc:malloc", "str(arg0) == \"a:b\"");
        Assert.DoesNotContain("uprobe:", tool.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "0ns")]
    [InlineData(999, "999ns")]
    [InlineData(1_000, "1.00us")]
    [InlineData(9_996, "10.0us")]
    [InlineData(99_960, "100us")]
    [InlineData(999_400, "999us")]
    [InlineData(999_600, "1.00ms")]
    [InlineData(61_000_000_000, "61.0s")]
    [InlineData(5_000_000_000_000, "5000s")]
    public void Durations_have_three_digits(long nanoseconds, string text) =>
        Assert.Equal(text, new DistributionValue.Durations().Text(nanoseconds));

    private static ToolHarness Run(Action<FakeSession> calls, params string[] arguments)
    {
        var tool = new ToolHarness(new FakeSession(Image, s =>
        {
            calls(s);
            s.Complete();
        }));
        Assert.Equal(0, tool.Run([arguments[0], "-p", "2147483647", .. arguments[1..]]));
        return tool;
    }

    private static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
