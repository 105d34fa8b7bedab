using System.Text.Json;
using Uprobes.Registry;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

public sealed class ProbingCommandTests
{
    private const string Process = "2147483647";

    private static readonly FakeImage Image = new(
        "/lib/libc.so.6",
        new FunctionInfo("malloc", 0x100, 16),
        new FunctionInfo("calloc", 0x200, 16),
        new FunctionInfo("memset", 0x300, 16, IsIndirect: true),
        new FunctionInfo("memory", 0x400, 16));

    [Fact]
    public void Calls_are_printed_until_the_processes_end()
    {
        var session = new FakeSession(Image, s =>
        {
            s.Hit(0, 1, 2, 3);
            s.Hit(0, 4, 5, 6);
            s.Complete();
        });
        var tool = new ToolHarness(session);
        Assert.Equal(0, tool.Run("trace", "-p", Process, "libc:malloc"));
        Assert.Equal(["malloc(0x1, 0x2, 0x3)", "malloc(0x4, 0x5, 0x6)"], Lines(tool.Output).Select(l => l[l.IndexOf("malloc", StringComparison.Ordinal)..]));
        Assert.Contains("attached 1 probe to 1 process (42)", tool.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_command_s_exit_code_is_handed_on()
    {
        Assert.Equal(7, new ToolHarness(new FakeSession(Image, s => s.Complete(7))).Run("count", "-c", "x", "libc:malloc"));
        Assert.Equal(137, new ToolHarness(new FakeSession(Image, s => s.Complete(137))).Run("trace", "libc:malloc", "--", "x"));
    }

    [Fact]
    public void After_enough_calls_the_process_is_left_before_results_are_finished()
    {
        var session = new FakeSession(Image, s =>
        {
            for (ulong i = 0; i < 5; i++)
                s.Hit(0, i);
        });
        var tool = new ToolHarness(session);
        Assert.Equal(0, tool.Run("trace", "-p", Process, "libc:malloc", "-n", "2", "--args", "1"));
        Assert.Equal(["malloc(0x0)", "malloc(0x1)"], Lines(tool.Output).Select(l => l[l.IndexOf("malloc", StringComparison.Ordinal)..]));
        Assert.Equal("start stop dispose dispose", session.Marks);
    }

    [Fact]
    public void After_enough_calls_a_started_command_goes_on_without_probes_and_gives_its_exit_code()
    {
        var session = new FakeSession(Image, s => s.Hit(0)) { EndsWhenStopped = true };
        var tool = new ToolHarness(session);
        Assert.Equal(5, tool.Run("trace", "-c", "x", "libc:malloc", "-n", "1"));
        Assert.Equal("start stop dispose dispose", session.Marks);
    }

    [Fact]
    public void A_session_that_fails_is_an_error_after_the_results()
    {
        var tool = new ToolHarness(new FakeSession(Image, s =>
        {
            s.Hit(0);
            s.Fail(new InvalidOperationException("the tracer broke"));
        }));
        Assert.Equal(ExitCode.Failure, tool.Run("count", "-p", Process, "libc:malloc"));
        Assert.Contains("1  malloc", tool.Output, StringComparison.Ordinal);
        Assert.Contains("tracing failed and ended early: the tracer broke", tool.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mallok", "/lib/libc.so.6 has no function mallok")]
    [InlineData("nothing_*", "no function of /lib/libc.so.6 matches 'nothing_*'")]
    public void A_function_that_there_is_not_is_an_object_in_json(string function, string reason)
    {
        var tool = new ToolHarness(new FakeSession(Image));
        Assert.Equal(ExitCode.Failure, tool.Run("count", "-p", Process, $"libc:{function}", "-f", "json"));
        var line = JsonDocument.Parse(Assert.Single(Lines(tool.Output))).RootElement;
        Assert.Equal(("refused", function, reason),
            (line.GetProperty("type").GetString(), line.GetProperty("function").GetString(), line.GetProperty("reason").GetString()));
        Assert.Contains(reason, tool.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_late_refusal_is_an_object_in_json()
    {
        var tool = new ToolHarness(new FakeSession(Image, s =>
        {
            s.Refuse(new ProbeRefusal(ProbeRefusalReason.ImageChanged, "libc:malloc", "it was changed"));
            s.Complete();
        }));
        Assert.Equal(0, tool.Run("trace", "-p", Process, "libc:malloc", "-f", "json"));
        Assert.Equal("{\"type\":\"refused\",\"function\":\"malloc\",\"reason\":\"it was changed\"}", Assert.Single(Lines(tool.Output)));
    }

    [Fact]
    public void A_run_ends_after_its_duration()
    {
        var tool = new ToolHarness(new FakeSession(Image, s => s.Hit(0)));
        Assert.Equal(0, tool.Run("count", "-p", Process, "libc:malloc", "-d", "0.05"));
        Assert.Equal("       COUNT  FUNCTION\n           1  malloc\n           1  total\n", tool.Output);
    }

    [Fact]
    public void Counts_at_an_interval_go_on()
    {
        var reads = 0;
        var session = new FakeSession(Image, s => s.Hit(0))
        {
            OnRead = s =>
            {
                s.Hit(0);
                if (++reads == 3)
                    s.Complete();
            },
        };
        var tool = new ToolHarness(session);
        Assert.Equal(0, tool.Run("count", "-p", Process, "libc:malloc", "-i", "0.001", "-f", "json"));
        Assert.Equal([2, 3, 4], Lines(tool.Output).Take(3).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("count").GetInt32()));
    }

    [Fact]
    public void Counts_are_sorted_and_functions_without_calls_are_hidden()
    {
        var tool = new ToolHarness(new FakeSession(Image, HitTwoFunctions));
        Assert.Equal(0, tool.Run("count", "-p", Process, "libc:malloc", "libc:calloc", "libc:memory"));
        Assert.Equal("       COUNT  FUNCTION\n           2  calloc\n           1  malloc\n           3  total\n", tool.Output);
    }

    [Fact]
    public void Functions_without_calls_are_shown_on_request_and_json_has_an_object_a_line()
    {
        var tool = new ToolHarness(new FakeSession(Image, HitTwoFunctions));
        Assert.Equal(0, tool.Run("count", "-p", Process, "libc:malloc", "libc:calloc", "libc:memory", "--all", "-f", "json"));
        Assert.Equal(
            """
            {"type":"count","image":"/lib/libc.so.6","function":"calloc","offset":512,"engine":"trap","count":2}
            {"type":"count","image":"/lib/libc.so.6","function":"malloc","offset":256,"engine":"trap","count":1}
            {"type":"count","image":"/lib/libc.so.6","function":"memory","offset":1024,"engine":"trap","count":0}

            """,
            tool.Output);
    }

    [Fact]
    public void Calls_of_which_the_condition_does_not_hold_are_not_counted()
    {
        var tool = new ToolHarness(new FakeSession(Image, s =>
        {
            s.Hit(0, 4096);
            s.Hit(0, 4097);
            s.Hit(1, 5000);
            s.Complete();
        }));
        Assert.Equal(0, tool.Run("count", "-p", Process, "libc:malloc", "libc:calloc", "--where", "arg0 > 4K"));
        Assert.Equal("       COUNT  FUNCTION\n           1  calloc\n           1  malloc\n           2  total\n", tool.Output);
    }

    [Fact]
    public void A_condition_on_the_return_is_decided_there()
    {
        var tool = new ToolHarness(new FakeSession(Image, s =>
        {
            s.Call(0, [10], result: 0);
            s.Call(0, [20], result: 1);
            s.Call(0, [30], result: 0);
            s.Complete();
        }));
        Assert.Equal(0, tool.Run("count", "-p", Process, "libc:malloc", "--where", "retval == 0 && arg0 > 10"));
        Assert.Contains("           1  malloc\n", tool.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_missing_in_a_count_is_told()
    {
        var tool = new ToolHarness(new FakeSession(Image, s =>
        {
            s.Hit(0);
            s.Lose(new QueryLosses(0, 0, 3, 0, 2, 0));
            s.Complete();
        }));
        Assert.Equal(0, tool.Run("count", "-p", Process, "libc:malloc", "-f", "json"));
        Assert.EndsWith("{\"type\":\"lost\",\"count\":3}\n", tool.Output, StringComparison.Ordinal);
        Assert.Contains("lost 3 calls", tool.Error, StringComparison.Ordinal);
        Assert.Contains("2 reads of memory that was not there", tool.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refused_function_that_was_named_ends_the_run()
    {
        var session = new FakeSession(Image) { Refused = { "malloc" } };
        var tool = new ToolHarness(session);
        Assert.Equal(ExitCode.Failure, tool.Run("trace", "-p", Process, "libc:malloc", "libc:calloc"));
        Assert.Contains("uprobe: cannot probe malloc: malloc is refused", tool.Error, StringComparison.Ordinal);
        Assert.Equal("dispose", session.Marks);
    }

    [Fact]
    public void Refused_matches_of_a_pattern_are_told_and_the_rest_works()
    {
        var session = new FakeSession(Image, s => s.Complete()) { Refused = { "calloc" } };
        var tool = new ToolHarness(session);
        Assert.Equal(0, tool.Run("count", "-p", Process, "libc:*", "-f", "json"));
        Assert.Contains("2 of 4 functions cannot be probed:", tool.Error, StringComparison.Ordinal);
        Assert.Contains("  1  for the test (calloc)", tool.Error, StringComparison.Ordinal);
        Assert.Contains("  1  indirect function (IFUNC) (memset)", tool.Error, StringComparison.Ordinal);
        Assert.Contains("attached 2 probes", tool.Error, StringComparison.Ordinal);
        Assert.Contains("""{"type":"refused","function":"calloc","reason":"calloc is refused"}""", tool.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pattern_of_which_nothing_can_be_probed_is_an_error()
    {
        var session = new FakeSession(Image) { Refused = { "malloc", "calloc" } };
        Assert.Equal(ExitCode.Failure, new ToolHarness(session).Run("trace", "-p", Process, "libc:?alloc"));
    }

    [Fact]
    public void An_indirect_function_that_was_named_is_refused_kindly()
    {
        var tool = new ToolHarness(new FakeSession(Image));
        Assert.Equal(ExitCode.Failure, tool.Run("trace", "-p", Process, "libc:memset"));
        Assert.Contains("resolver", tool.Error, StringComparison.Ordinal);
        Assert.Contains("hint: ", tool.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Losses_are_told_in_text_and_are_an_object_in_json()
    {
        var text = new ToolHarness(new FakeSession(Image, Overflow));
        Assert.Equal(0, text.Run("trace", "-p", Process, "libc:malloc", "--buffer", "1"));
        Assert.Contains("lost ", text.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("lost", text.Output, StringComparison.Ordinal);

        var json = new ToolHarness(new FakeSession(Image, Overflow));
        Assert.Equal(0, json.Run("trace", "-p", Process, "libc:malloc", "--buffer", "1", "-f", "json"));
        var lines = Lines(json.Output);
        var lost = lines.Where(l => l.StartsWith("{\"type\":\"lost\",\"count\":", StringComparison.Ordinal)).Sum(l => int.Parse(l[23..^1], null));
        Assert.Equal(OverflowingCalls, lost + lines.Count(l => l.StartsWith("{\"type\":\"call\"", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_closed_pipe_ends_the_run_without_fuss()
    {
        var session = new FakeSession(Image, s => s.Hit(0));
        var tool = new ToolHarness(session, output: new ClosedPipe());
        Assert.Equal(0, tool.Run("trace", "-p", Process, "libc:malloc"));
        Assert.DoesNotContain("uprobe:", tool.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Notices_are_told_escaped()
    {
        var session = new FakeSession(Image, s =>
        {
            s.Notify("odd\e[2Jname");
            s.Complete();
        });
        var tool = new ToolHarness(session);
        Assert.Equal(0, tool.Run("trace", "-p", Process, "libc:malloc"));
        Assert.Contains("[42] odd\\x1b[2Jname", tool.Error, StringComparison.Ordinal);
    }

    private const int OverflowingCalls = 100_000;

    private static void Overflow(FakeSession session)
    {
        for (var i = 0; i < OverflowingCalls; i++)
            session.Hit(0);
        session.Complete();
    }

    private static void HitTwoFunctions(FakeSession session)
    {
        session.Hit(0);
        session.Hit(1);
        session.Hit(1);
        session.Complete();
    }

    private static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private sealed class ClosedPipe : MemoryStream
    {
        private const int BrokenPipe = 32;

        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("Broken pipe", BrokenPipe);
    }
}
