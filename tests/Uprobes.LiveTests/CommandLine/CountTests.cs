using System.Text.Json;
using Uprobes.LiveTests.Kit;
using static Uprobes.LiveTests.CommandLine.TracedCalls;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>Counts of real calls.</summary>
public sealed class CountTests
{
    private const string Target = "calls-pie";

    [Theory]
    [InlineData(Signals.Interrupt)]
    [InlineData(Signals.Terminate)]
    public void A_signal_detaches_and_prints_what_was_counted(int signal)
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        using TargetProcess tool = Attach(target, "count", Spec(Target, "nothing"), Spec(Target, "fact"), Spec(Target, "greet"));
        target.Ask("nothing 1234");
        target.Ask("fact 5");
        tool.Signal(signal);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.Equal("       COUNT  FUNCTION\n        1234  nothing\n          50  fact\n        1284  total\n", tool.Output);
        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Fact]
    public void With_detach_nobody_traces_the_process_meanwhile()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess tool = Attach(target, "count", Spec(Target, "fact"), "--detach");
        Assert.Equal("0", ProcessSnapshot.Status(target.Pid)["TracerPid"]);
        target.Ask("fact 5");
        tool.Signal(Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.Contains("50  fact", tool.Output, StringComparison.Ordinal);
        TextComparison.AssertSame(target.Pid);
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Fact]
    public void The_end_of_the_process_ends_the_count()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess tool = Attach(target, "count", Spec(Target, "nothing"), "-f", "json");
        target.Ask("nothing 7");
        target.Quit();
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        JsonElement count = Assert.Single(Objects(tool.Output));
        Assert.Equal(["type", "image", "function", "offset", "engine", "count"], count.EnumerateObject().Select(p => p.Name));
        Assert.Equal(("nothing", 7), (count.GetProperty("function").GetString(), count.GetProperty("count").GetInt32()));
    }

    [Fact]
    public void A_duration_ends_the_count_and_the_process_lives()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess tool = Attach(target, "count", Spec(Target, "nothing"), "-d", "0.3", "--all");
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.Contains("           0  nothing\n", tool.Output, StringComparison.Ordinal);
        Assert.Equal("1", target.Ask("nothing 3"));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Fact]
    public void A_request_to_stop_the_tool_would_stop_its_targets_and_is_ignored()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess tool = Attach(target, "count", Spec(Target, "nothing"));
        tool.Signal(Signals.TerminalStop);
        target.Ask("nothing 10");
        tool.Signal(Signals.Interrupt);
        Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
        Assert.Contains("          10  nothing\n", tool.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exit 7", 7)]
    [InlineData("kill -9 $$", 128 + Signals.Kill)]
    [InlineData("true", 0)]
    public void A_started_command_hands_on_its_exit_code(string script, int code) =>
        Assert.Equal(new ExitStatus(code, null), UprobeCommand.Run("count", "libc:malloc", "--", "/bin/sh", "-c", script).Exit);

    [Fact]
    public void A_pattern_over_a_library_tells_what_it_cannot_probe_and_counts_the_rest()
    {
        CommandResult result = UprobeCommand.Run("count", "libc:str*", "libc:malloc", "--", "/bin/ls", "/");
        Assert.Equal(new ExitStatus(0, null), result.Exit);
        Assert.Contains("functions cannot be probed:\n", result.Errors, StringComparison.Ordinal);
        Assert.Contains("indirect function (IFUNC)", result.Errors, StringComparison.Ordinal);
        Assert.Contains("  malloc\n", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reader_that_closes_the_pipe_ends_the_tool()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        string command = $"'{UprobeCommand.Path}' trace -p {target.Pid} '{Spec(Target, "nothing")}' | head -1";
        using TargetProcess shell = TargetProcess.Start("/bin/sh", "-c", command);
        shell.WaitForErrorLine("attached ");
        // Each call is a write: the first that finds the pipe closed ends the tool, and the shell with it.
        while (!shell.HasExited)
            target.Ask("nothing 1");
        Assert.Equal(new ExitStatus(0, null), shell.WaitForExit());
        Assert.Single(Lines(shell.Output));
        Assert.DoesNotContain("uprobe:", shell.Errors, StringComparison.Ordinal);
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }
}
