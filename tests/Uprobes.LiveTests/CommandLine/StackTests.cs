using System.Text.Json;
using System.Xml.Linq;
using Uprobes.LiveTests.Kit;
using static Uprobes.LiveTests.CommandLine.TracedCalls;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>stack, flame and top, on programs that were not written to be probed and on stacks whose calls are known.</summary>
public sealed class StackTests
{
    [Theory]
    [InlineData("auto")]
    [InlineData("trap")]
    public void A_stack_has_the_calls_that_led_to_it(string engine)
    {
        using TargetProcess target = TargetProcess.StartTarget("stacks");
        using TargetProcess tool = Attach(target, "stack", Spec("stacks", "mark"), "-f", "json", "--by", "arg0", "--engine", engine);
        target.Ask("plain 20");
        target.Ask("plain 20");
        tool.Signal(Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        JsonElement[] stacks = [.. Objects(tool.Output)];

        // plain calls inner, which calls mark twice: with 20 and with 21.
        Assert.Equal([(2, 42), (2, 40)], stacks.Select(s => (s.GetProperty("count").GetInt32(), s.GetProperty("sum").GetInt32())));
        Assert.All(stacks, stack => Assert.Equal(["mark", "inner", "plain"], Functions(stack).Take(3)));
        Assert.All(stacks, stack => Assert.Contains("main", Functions(stack)));
    }

    [Fact]
    public void Stacks_of_a_command_are_the_same_by_jumps_and_by_breakpoints_and_named_after_its_end()
    {
        string[] command = [Require.Program("sqlite3"), ":memory:", "create table t(a); insert into t values (1), (2), (3); select sum(a) from t"];
        string[][] Stacks(string engine) =>
        [
            .. Objects(UprobeCommand.Results(["stack", "libsqlite3:sqlite3_prepare_v2", "libsqlite3:sqlite3_step", "-f", "json", "--engine", engine, "--", .. command]))
                .Select(s => (string[])[$"{s.GetProperty("count")}", .. Functions(s)]).OrderBy(s => string.Join(' ', s), StringComparer.Ordinal),
        ];
        string[][] byJumps = Stacks("auto");
        Assert.NotEmpty(byJumps);
        Assert.All(byJumps, stack => Assert.Contains("__libc_start_main", stack));
        Assert.Equal(Stacks("trap"), byJumps);
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("trap")]
    public void Programs_that_one_process_executes_have_their_own_names(string engine)
    {
        string commands = $"printf 'parent 5\\npath {Targets.Path("execer-two")}\\nparent 6\\nquit\\n' | {Targets.Path("execer-one")}; true";
        string output = UprobeCommand.Results("stack", "libc:getppid", "-f", "json", "--depth", "2", "--engine", engine, "--", "/bin/sh", "-c", commands);
        Assert.Equal(
            ["called_in_one", "called_in_two"],
            Objects(output).Select(stack => Functions(stack).Last()).Where(name => name.StartsWith("called_in_", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_flame_graph_of_a_command_is_drawn_from_its_first_function_on()
    {
        string path = Path.GetTempFileName();
        try
        {
            CommandResult result = UprobeCommand.Run("flame", "-o", path, "libsqlite3:sqlite3_step", "--", Require.Program("sqlite3"), ":memory:", "select 1");
            Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
            Assert.Equal("1\n", result.Output);
            string[] names = [.. XElement.Load(path).Descendants("{http://www.w3.org/2000/svg}title").Select(t => t.Value.Split('\n')[0])];
            Assert.Contains("sqlite3_step", names);
            Assert.Contains("__libc_start_main", names);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Why_inlined_calls_are_left_out_is_told()
    {
        using TargetProcess target = TargetProcess.StartTarget("stacks-split");
        using TargetProcess tool = Attach(target, "stack", Spec("stacks-split", "mark"));
        target.Ask("folds 3");
        tool.Signal(Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        string told = Assert.Single(tool.Errors.Split('\n'), line => line.Contains("inlined calls are left out", StringComparison.Ordinal));
        Assert.Contains("compile without -gsplit-dwarf", told, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_of_top_has_each_call_of_a_process()
    {
        using TargetProcess target = TargetProcess.StartTarget("stacks");
        using TargetProcess tool = Attach(target, "top", Spec("stacks", "inner"), Spec("stacks", "mark"), "-i", "0.2");
        target.Ask("plain 20");
        target.Ask("plain 20");
        tool.Signal(Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        string[] last = tool.Output[(tool.Output.LastIndexOf("CALLS/S", StringComparison.Ordinal) + 1)..].Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..];
        Assert.Equal(["2 inner", "4 mark"], last.Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(c => $"{c[4]} {c[6]}").OrderBy(l => l, StringComparer.Ordinal));
    }

    private static IEnumerable<string> Functions(JsonElement stack) =>
        stack.GetProperty("frames").EnumerateArray().Select(f => f.TryGetProperty("function", out JsonElement name) ? name.GetString()! : "?");
}
