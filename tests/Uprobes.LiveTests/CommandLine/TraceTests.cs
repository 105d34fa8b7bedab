using System.Text.Json;
using Uprobes.LiveTests.Kit;
using static Uprobes.LiveTests.CommandLine.TracedCalls;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>What trace shows of real calls.</summary>
public sealed class TraceTests
{
    private const string Target = "calls-pie";

    [Theory]
    [InlineData("calls-pie")]
    [InlineData("calls-nopie")]
    [InlineData("calls-static")]
    public void Arguments_are_those_that_the_function_was_called_with(string name)
    {
        using TargetProcess target = TargetProcess.StartTarget(name);
        using TargetProcess tool = Attach(target, "trace", Spec(name, "sum6"), "--args", "6", "--format", "d", "-n", "2");
        target.Ask("sum6 3");
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.Equal(["sum6(0, 2, 3, 4, 5, 6)", "sum6(1, 2, 3, 4, 5, 6)"], Calls(tool.Output));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Fact]
    public void An_argument_on_the_stack_is_shown() =>
        Assert.Equal(["sum7(0, 2, 3, 4, 5, 6, 7)"], CallsOf("sum7 1", Spec(Target, "sum7"), "--args", "7", "--format", "d", "-n", "1"));

    [Fact]
    public void Strings_are_those_of_the_target_and_escaped() => Assert.Equal(
        ["greet(\"Ada\")", "greet(\"Grace\")", "greet(\"a\\tb\\x1b[31m\")", "greet(\"\")"],
        CallsOf("greet 4", Spec(Target, "greet"), "--format", "s", "-n", "4"));

    [Fact]
    public void Recursive_calls_return_inner_first_each_with_its_value() => Assert.Equal(
        ["fact(1) = 1", "fact(2) = 2", "fact(3) = 6", "fact(4) = 24", "fact(5) = 120", "fact(6) = 720", "fact(7) = 5040", "fact(8) = 40320", "fact(9) = 362880", "fact(10) = 3628800"],
        CallsOf("fact 1", Spec(Target, "fact"), "-r", "--format", "d=d", "-n", "10").Select(line => line[..line.IndexOf(" <", StringComparison.Ordinal)]));

    [Fact]
    public void Json_has_the_fields_of_a_call_and_no_others()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess tool = Attach(target, "trace", Spec(Target, "sum6"), "-r", "-f", "json", "-n", "1");
        target.Ask("sum6 1");
        tool.WaitForExit();
        JsonElement call = Assert.Single(Objects(tool.Output));
        Assert.Equal(
            ["type", "image", "function", "pid", "tid", "time_ns", "args", "ret", "duration_ns"], call.EnumerateObject().Select(p => p.Name));
        Assert.Equal(("call", "sum6", target.Pid, 90), (
            call.GetProperty("type").GetString(), call.GetProperty("function").GetString(), call.GetProperty("pid").GetInt32(),
            call.GetProperty("ret").GetInt32()));
        Assert.Equal("[0,2,3]", call.GetProperty("args").GetRawText());
        Assert.True(call.GetProperty("duration_ns").GetInt64() > 0);
    }

    [Fact]
    public void A_running_python_shows_its_mallocs()
    {
        string python = Require.InstalledFile("/usr/bin/python3");
        using TargetProcess target = TargetProcess.Start(
            python, "-u", "-c", "print('ready', flush=True)\nimport sys\nwhile sys.stdin.readline(): x = bytearray(123456)");
        target.WaitForLine("ready");
        using TargetProcess tool = Attach(target, "trace", "libc:malloc", "--format", "u", "--args", "1");
        target.Send("go");
        tool.WaitForLine(line => line.EndsWith(" malloc(123457)", StringComparison.Ordinal), what: "the call for the array");
        tool.Signal(Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        target.CloseInput();
        Assert.Equal(new ExitStatus(0, null), target.WaitForExit());
    }

    [Fact]
    public void A_started_command_shows_its_calls_from_the_first_on()
    {
        Require.Program("sqlite3");
        CommandResult result = UprobeCommand.Run("trace", "-c", "sqlite3 :memory: \"select 1\"", "libsqlite3:sqlite3_*");
        Assert.Equal(new ExitStatus(0, null), result.Exit);
        Assert.Contains("\n1\n", "\n" + result.Output, StringComparison.Ordinal);
        Assert.Contains(" sqlite3_open_v2(", result.Output, StringComparison.Ordinal);
        Assert.Contains(" sqlite3_close(", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Results_go_to_a_file_on_request_and_nothing_else_does()
    {
        string path = Path.GetTempFileName();
        try
        {
            using TargetProcess target = TargetProcess.StartTarget(Target);
            using TargetProcess tool = Attach(target, "trace", Spec(Target, "nothing"), "-n", "3", "-o", path);
            target.Ask("nothing 3");
            tool.WaitForExit();
            Assert.Empty(tool.Output);
            Assert.Equal(3, File.ReadLines(path).Count(line => line.Contains(" nothing(", StringComparison.Ordinal)));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Nobody_reads_the_results_and_yet_the_target_goes_on_and_every_call_is_accounted_for()
    {
        const int Hits = 20_000;
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess tool = Attach(target, "trace", Spec(Target, "nothing"), "--buffer", "16", "-f", "json");
        target.Ask($"nothing {Hits}"); // far more than the pipe and the buffer hold: with a handler that waits this would never answer
        target.Quit();
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        IReadOnlyList<JsonElement> objects = Objects(tool.Output);
        int calls = objects.Count(o => o.GetProperty("type").GetString() == "call");
        int lost = objects.Where(o => o.GetProperty("type").GetString() == "lost").Sum(o => o.GetProperty("count").GetInt32());
        Assert.True(lost > 0, "nothing was lost: the test proves nothing");
        Assert.Equal(Hits, calls + lost);
    }

    private static IEnumerable<string> CallsOf(string commandLine, params string[] arguments)
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess tool = Attach(target, "trace", arguments);
        target.Ask(commandLine);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        return Calls(tool.Output);
    }
}
