using Uprobes.LiveTests.Kit;
using static Uprobes.LiveTests.CommandLine.TracedCalls;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>The command on a terminal: script(1) opens one, hands on what is typed, and writes what would be seen.</summary>
public sealed class TerminalTests
{
    private const string Hostile = "[\e[2J\e]0;title\a\u009b31m\u202e\r]";
    private const string CtrlC = "\u0003", CtrlZ = "\u001a";
    private const string Script = "uprobe:libc:fputs_unlocked { printf(\"%s\\n\", str(arg0)); @[str(arg0)] = count(); }";

    [Fact]
    public void What_a_target_has_in_its_strings_does_not_reach_a_terminal_as_control_characters()
    {
        using TargetProcess terminal = OnTerminal("run", "-q", "-e", Script, "-c", Echo(Hostile));
        ExitStatus end = terminal.WaitForExit();
        Assert.True(end == new ExitStatus(0, null), terminal.Output);
        const string Escaped = @"[\x1b[2J\x1b]0;title\x07\xc2\x9b31m\xe2\x80\xae\r]";
        Assert.Contains($"{Escaped}\r\n", terminal.Output, StringComparison.Ordinal);
        Assert.Contains($"@[{Escaped}]: 1\r\n", terminal.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Hostile, terminal.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\e[2J", terminal.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void In_a_pipe_it_is_what_it_was()
    {
        CommandResult result = UprobeCommand.Run("run", "-q", "-e", Script, "-c", Echo(Hostile));
        Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
        Assert.Equal($"{Hostile}\n\n\n@[{Hostile}]: 1\n", result.Output);
    }

    [Theory]
    [InlineData("trace")]
    [InlineData("count")]
    [InlineData("stack")]
    [InlineData("top")]
    public void A_window_that_is_closed_ends_the_command_and_the_target_goes_on(string command)
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        using TargetProcess terminal = OnTerminal(command, "-p", $"{target.Pid}", Spec("calls-pie", "nothing"));
        terminal.WaitForLine(line => line.Contains("; Ctrl-C ends", StringComparison.Ordinal));
        Assert.Equal("1", target.Ask("nothing 10"));
        terminal.Signal(Signals.Kill);
        terminal.WaitForExit();
        Deadline deadline = Deadline.In(null);
        while (ProcessSnapshot.Take(target.Pid).DifferencesFrom(before).Any())
            Assert.False(deadline.HasPassed, string.Join("; ", ProcessSnapshot.Take(target.Pid).DifferencesFrom(before)));
        Assert.Equal("1", target.Ask("nothing 10"));
        TextComparison.AssertSame(target.Pid);
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Fact]
    public void Ctrl_Z_is_answered_and_Ctrl_C_ends()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using TargetProcess terminal = OnTerminal("count", "-p", $"{target.Pid}", Spec("calls-pie", "nothing"));
        terminal.WaitForLine(line => line.Contains("; Ctrl-C ends", StringComparison.Ordinal));
        target.Ask("nothing 10");
        terminal.Send(CtrlZ);
        terminal.WaitForLine(line => line.Contains("Ctrl-Z does nothing here", StringComparison.Ordinal));
        target.Ask("nothing 10");
        terminal.Send(CtrlC);
        terminal.WaitForLine(line => line.Contains("20  nothing", StringComparison.Ordinal));
        Assert.Equal(new ExitStatus(0, null), terminal.WaitForExit());
    }

    [Fact]
    public void Ctrl_Z_does_not_stop_a_command_that_was_started()
    {
        using TargetProcess terminal = AsJob("count", Spec("calls-pie", "nothing"), "--", Targets.Path("calls-pie"));
        terminal.WaitForLine(line => line.Contains("ready", StringComparison.Ordinal));
        terminal.Send(CtrlZ);
        terminal.WaitForLine(line => line.Contains("Ctrl-Z does nothing here", StringComparison.Ordinal));
        terminal.Send("nothing 20");
        terminal.Send("quit");
        terminal.WaitForLine(line => line.Contains("20  nothing", StringComparison.Ordinal));
        Assert.Equal(new ExitStatus(0, null), terminal.WaitForExit());
    }

    [Fact]
    public void Nor_one_that_stops_itself_when_it_has_put_the_terminal_in_order()
    {
        const string Program = "trap 'echo in order; trap - TSTP; kill -s TSTP $$' TSTP; echo ready; until read word && [ -n \"$word\" ]; do :; done; echo \"read $word\"";
        using TargetProcess terminal = AsJob("count", "libc:malloc", "--", "/bin/sh", "-c", Program);
        terminal.WaitForLine(line => line.Contains("ready", StringComparison.Ordinal));
        terminal.Send(CtrlZ);
        terminal.WaitForLine(line => line.Contains("in order", StringComparison.Ordinal));
        terminal.Send("more");
        terminal.WaitForLine(line => line.Contains("read more", StringComparison.Ordinal));
        Assert.Equal(new ExitStatus(0, null), terminal.WaitForExit());
    }

    [Fact]
    public void The_screen_of_top_goes_and_its_last_table_stays_on_what_was_there_before()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using TargetProcess terminal = OnTerminal("top", "-p", $"{target.Pid}", Spec("calls-pie", "nothing"), "-i", "0.05");
        terminal.WaitForLine(line => line.Contains("; Ctrl-C ends", StringComparison.Ordinal));
        target.Ask("nothing 10");
        terminal.WaitForLine(line => line.Contains("nothing", StringComparison.Ordinal));
        terminal.Send("q");
        Assert.Equal(new ExitStatus(0, null), terminal.WaitForExit());
        int enter = terminal.Output.IndexOf("\e[?1049h", StringComparison.Ordinal), leave = terminal.Output.LastIndexOf("\e[?1049l", StringComparison.Ordinal);
        Assert.InRange(enter, 0, leave);
        string after = terminal.Output[leave..];
        Assert.Contains("CALLS/S    TIME/S   AVERAGE    99% <=     CALLS      TIME  FUNCTION\r\n", after, StringComparison.Ordinal);
        Assert.EndsWith("  nothing\r\n", after, StringComparison.Ordinal);
        // In 40 columns the columns in the middle have no room.
        Assert.DoesNotContain("AVERAGE", terminal.Output[enter..leave], StringComparison.Ordinal);
    }

    /// <summary>A command that has a C library write a text to nowhere.</summary>
    private static string Echo(string text) => $"/bin/sh -c 'exec /bin/echo \"{text}\" > /dev/null'";

    /// <summary>Starts the command in a window of 40 columns.</summary>
    private static TargetProcess OnTerminal(params string[] arguments) => InWindow("exec ", arguments, "");

    /// <summary>Starts it there as a shell does that one types at: only where a shell can continue a job does Ctrl-Z stop any (orphaned process groups, setpgid(2)).</summary>
    private static TargetProcess AsJob(params string[] arguments) => InWindow("set -m; ", arguments, "; exit $?");

    private static TargetProcess InWindow(string before, string[] arguments, string after)
    {
        string script = Require.Program("script");
        string words = string.Join(' ', arguments.Prepend(UprobeCommand.Path).Select(a => $"'{a.Replace("'", "'\\''", StringComparison.Ordinal)}'"));
        StartOptions options = new() { Environment = new Dictionary<string, string?> { ["TERM"] = "xterm", ["SHELL"] = "/bin/sh", ["NO_COLOR"] = null } };
        return TargetProcess.Start(options, script, "-qec", $"stty rows 20 columns 40; {before}{words}{after}", "/dev/null");
    }
}
