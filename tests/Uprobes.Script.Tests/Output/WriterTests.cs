using System.Text;
using Uprobes.Script.Output;
using static Uprobes.Script.Output.ScriptValue;

namespace Uprobes.Script.Tests.Output;

/// <summary>Everything of a writer that is no value and no map.</summary>
public sealed class WriterTests
{
    private const long Moment = 1_700_000_000L * 1_000_000_000;

    private static readonly ScriptLocation Call = new("stdin", 1, 9) { EndColumn = 12, SourceLine = "begin { $a = *0; }" };

    [Fact]
    public void A_printf_is_text_or_a_line_of_JSON()
    {
        Assert.Equal("test 5\n", Printed.Text(writer => writer.Printf(PrintfFormat.Parse("test %d\n"), [Signed(5)])));
        Assert.Equal("{\"type\": \"printf\", \"data\": \"test 5\\n\"}\n", Printed.Json(writer => writer.Printf(PrintfFormat.Parse("test %d\n"), [Signed(5)])));
        Assert.Equal(
            "{\"type\": \"printf\", \"data\": \"1 ONE 2 TWO\"}\n",
            Printed.Json(writer => writer.Printf(PrintfFormat.Parse("%d %s %d %s"), [ScriptValue.Enum("ONE", 1), ScriptValue.Enum("ONE", 1), ScriptValue.Enum("TWO", 2), ScriptValue.Enum("TWO", 2)])));
    }

    [Fact]
    public void A_value_is_a_line()
    {
        Assert.Equal("5\n", Printed.Text(writer => writer.Value(Signed(5))));
        Assert.Equal("{\"type\": \"value\", \"data\": 5}\n", Printed.Json(writer => writer.Value(Signed(5))));
    }

    [Fact]
    public void A_time_is_printed_as_its_format_says()
    {
        Assert.Equal("22:13:20\n", Printed.Text(writer => writer.Time(TimeFormat.Default, Moment)));
        Assert.Equal("{\"type\": \"time\", \"data\": \"22:13:20\\n\"}\n", Printed.Json(writer => writer.Time(TimeFormat.Default, Moment)));
    }

    [Fact]
    public void The_content_of_a_file_is_printed_as_it_is()
    {
        Assert.Equal("a\nb\u001b", Printed.Text(writer => writer.Cat("a\nb\u001b"u8)));
        Assert.Equal("a\n\tb\\x1b\\r", Printed.Text(writer => writer.Cat("a\n\tb\u001b\r"u8), isTerminal: true));
        Assert.Equal("{\"type\": \"cat\", \"data\": \"a\\nb\"}\n", Printed.Json(writer => writer.Cat("a\nb"u8)));
    }

    [Fact]
    public void Joined_strings_are_a_line()
    {
        Assert.Equal("/bin/echo,A\n", Printed.Text(writer => writer.Join([String("/bin/echo"), String("A")], ","u8)));
        Assert.Equal("\n", Printed.Text(writer => writer.Join([], ","u8)));
        Assert.Equal("{\"type\": \"join\", \"data\": \"/bin/echo,'A'\"}\n", Printed.Json(writer => writer.Join([String("/bin/echo"), String("'A'")], ","u8)));
    }

    [Fact]
    public void The_output_of_a_command_is_printed_with_a_line_end()
    {
        Assert.Equal("a b c\n", Printed.Text(writer => writer.CommandOutput("a b c"u8)));
        Assert.Equal("{\"type\": \"syscall\", \"data\": \"a b c\\n\"}\n", Printed.Json(writer => writer.CommandOutput("a b c\n"u8)));
    }

    [Theory]
    [InlineData(0, "Attached 0 probes\n")]
    [InlineData(1, "Attached 1 probe\n")]
    [InlineData(2, "Attached 2 probes\n")]
    public void The_number_of_probes_goes_to_the_errors(int count, string expected)
    {
        Assert.Equal(expected, Printed.Errors(writer => writer.AttachedProbes(count)));
        Assert.Equal("", Printed.Text(writer => writer.AttachedProbes(count)));
        Assert.Equal($"{{\"type\": \"attached_probes\", \"count\": {count}, \"data\": {{\"probes\": {count}}}}}\n", Printed.Json(writer => writer.AttachedProbes(count)));
    }

    [Fact]
    public void Lost_events_go_to_the_errors()
    {
        Assert.Equal("Lost 3 events\n", Printed.Errors(writer => writer.LostEvents(3)));
        Assert.Equal("", Printed.Text(writer => writer.LostEvents(3)));
        Assert.Equal("{\"type\": \"lost_events\", \"count\": 3, \"data\": {\"events\": 3}}\n", Printed.Json(writer => writer.LostEvents(3)));
    }

    [Fact]
    public void A_failed_helper_is_told_with_its_place()
    {
        HelperError failure = HelperError.FromErrno("probe_read_user", 14, Call);
        Assert.Equal(
            "stdin:1:9-12: WARNING: Bad address\nAdditional Info - helper: probe_read_user, retcode: -14\nbegin { $a = *0; }\n        ~~~\n",
            Printed.Errors(writer => writer.Failure(failure)));
        Assert.Equal(
            "{\"type\": \"helper_error\", \"msg\": \"Bad address\", \"helper\": \"probe_read_user\", \"retcode\": -14, \"filename\": \"stdin\", \"line\": 1, \"col\": 9}\n",
            Printed.Json(writer => writer.Failure(failure)));
    }

    [Theory]
    [InlineData(ScriptSeverity.Error, "ERROR", "errorf")]
    [InlineData(ScriptSeverity.Warning, "WARNING", "warnf")]
    public void A_message_of_the_script_is_told_with_its_place(ScriptSeverity severity, string name, string type)
    {
        Assert.Equal($"stdin:1:9-12: {name}: bad 5\n", Printed.Errors(writer => writer.Message(severity, PrintfFormat.Parse("bad %d"), [Signed(5)], Call)));
        Assert.Equal($"stdin:1:9-12: {name}: bad\n", Printed.Errors(writer => writer.Message(severity, PrintfFormat.Parse("bad\n"), [], Call)));
        Assert.Equal(
            $"{{\"type\": \"{type}\", \"msg\": \"bad 5\", \"filename\": \"stdin\", \"line\": 1, \"col\": 9}}\n",
            Printed.Json(writer => writer.Message(severity, PrintfFormat.Parse("bad %d"), [Signed(5)], Call)));
    }

    [Fact]
    public void A_message_from_a_macro_tells_the_call_too()
    {
        ScriptLocation macro = new("a.bt", 2, 3) { EndColumn = 5, ExpandedFrom = new ScriptLocation("a.bt", 7, 2) { EndColumn = 4, SourceLine = "\tm(1)" } };
        Assert.Equal(
            "a.bt:2:3-5: ERROR: x\na.bt:7:2-4: ERROR: expanded from\n    m(1)\n    ~~\n",
            Printed.Errors(writer => writer.Message(ScriptSeverity.Error, PrintfFormat.Parse("x"), [], macro)));
    }

    [Fact]
    public void A_place_of_several_lines_has_no_columns() =>
        Assert.Equal(
            "a.bt:2-4: ERROR: x\n",
            Printed.Errors(writer => writer.Message(ScriptSeverity.Error, PrintfFormat.Parse("x"), [], new ScriptLocation("a.bt", 2, 3) { EndLine = 4, SourceLine = "x" })));

    [Fact]
    public void Messages_are_escaped_on_a_terminal() =>
        Assert.Equal(
            "stdin:1:9-12: ERROR: \\x1b\n",
            Printed.Errors(writer => writer.Message(ScriptSeverity.Error, PrintfFormat.Parse("%s"), [String("\u001b")], Call), isTerminal: true));

    [Fact]
    public void Benchmarks_are_a_table()
    {
        Assert.Equal(
            $"{"Benchmark",-41}{"Time(ns)",-15}Iterations\n{new string('-', 66)}\n{"a",-41}{"12",-15}1000\n{"b",-41}{"7",-15}20\n",
            Printed.Text(writer =>
            {
                writer.BenchmarkResult("a", 12, 1000);
                writer.BenchmarkResult("b", 7, 20);
            }));
        Assert.Equal("{\"type\": \"benchmark_result\", \"data\": {\"a\": {\"average\": 12, \"iters\": 1000}}}\n", Printed.Json(writer => writer.BenchmarkResult("a", 12, 1000)));
    }

    [Fact]
    public void At_the_end_come_two_line_ends_and_the_maps_that_are_not_empty_by_name()
    {
        ScriptMap[] maps =
        [
            ScriptMap.Scalar("@b", Signed(2)), Printed.Map("@empty"), ScriptMap.EmptyScalar("@c", Signed(0)),
            Printed.Map("@a", (Signed(1), Count(3))), ScriptMap.Scalar("@B", Signed(1)), ScriptMap.Scalar("@", Signed(0)),
        ];
        Assert.Equal("\n\n@: 0\n@B: 1\n@a[1]: 3\n@b: 2\n", Printed.Text(writer => writer.Finish(maps)));
        Assert.Equal("\n\n", Printed.Text(writer => writer.Finish([])));
        Assert.Equal(
            "{\"type\": \"map\", \"data\": {\"@\": 0}}\n{\"type\": \"map\", \"data\": {\"@B\": 1}}\n{\"type\": \"map\", \"data\": {\"@a\": {\"1\": 3}}}\n{\"type\": \"map\", \"data\": {\"@b\": 2}}\n",
            Printed.Json(writer => writer.Finish(maps)));
    }

    [Fact]
    public void Every_line_of_JSON_can_be_parsed()
    {
        string lines = Printed.Json(writer =>
        {
            foreach (var row in ValueTests.Values)
                writer.Value(row.Data.Item1);
            foreach (var row in MapTests.Maps)
                writer.Map(row.Data.Item1);
        });
        foreach (string line in lines.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            System.Text.Json.JsonDocument.Parse(line).Dispose();
    }
}
