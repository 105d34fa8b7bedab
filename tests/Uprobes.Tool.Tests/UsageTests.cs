using Uprobes.Registry;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

public sealed class UsageTests
{
    private static readonly FakeImage Image = new("/lib/libc.so.6", new FunctionInfo("malloc", 0x100, 16));

    [Theory]
    [InlineData("trace")]
    [InlineData("trace -p 2147483647")]
    [InlineData("trace libc:malloc")]
    [InlineData("trace -p x libc:malloc")]
    [InlineData("trace -p 0 libc:malloc")]
    [InlineData("trace -p 2147483647 malloc")]
    [InlineData("trace -p 2147483647 -c ls libc:malloc")]
    [InlineData("trace -c ls libc:malloc -- ls")]
    [InlineData("trace libc:malloc --")]
    [InlineData("trace -c ' libc:malloc")]
    [InlineData("trace -p 2147483647 libc:malloc -f xml")]
    [InlineData("trace -p 2147483647 libc:malloc --engine kernel")]
    [InlineData("trace -p 2147483647 libc:malloc -n 0")]
    [InlineData("trace -p 2147483647 libc:malloc -d 0")]
    [InlineData("trace -p 2147483647 libc:malloc --buffer 0")]
    [InlineData("trace -p 2147483647 libc:malloc --format q")]
    [InlineData("trace -p 2147483647 libc:malloc+4 -r")]
    [InlineData("trace -p 2147483647 libc:malloc --unknown")]
    [InlineData("count -p 2147483647 libc:malloc -i -1")]
    [InlineData("count -p 2147483647 libc:malloc --where arg0>")]
    [InlineData("count -p 2147483647 libc:malloc+4 --where retval>0")]
    [InlineData("trace -p 2147483647 libc:malloc -s 257")]
    [InlineData("list")]
    [InlineData("nonsense")]
    [InlineData("run --fmt x.bt")]
    [InlineData("run -d ast x.bt")]
    [InlineData("run --debuginfo /usr/src x.bt")]
    [InlineData("run --mode bench x.bt")]
    public void A_command_line_without_meaning_is_answered_with_what_and_a_hint(string commandLine)
    {
        var tool = new ToolHarness();
        Assert.Equal(ExitCode.Usage, tool.Run(commandLine.Split(' ')));
        Assert.StartsWith("uprobe: ", tool.Error, StringComparison.Ordinal);
        Assert.Contains("\n  hint: ", tool.Error, StringComparison.Ordinal);
        Assert.Empty(tool.Output);
    }

    [Theory]
    [InlineData("tracce -p 1 libc:malloc", "uprobe: there is no command tracce\n  hint: did you mean trace?\n")]
    [InlineData("quux -p 1 libc:malloc", "uprobe: there is no command quux\n  hint: see uprobe --help\n")]
    [InlineData("count -p bash libc:malloc", "uprobe: Cannot parse argument 'bash' for option '-p' as a number\n  hint: -p takes the number of a process: `pgrep -a bash` finds it\n")]
    public void Typical_mistakes_are_answered_with_what_was_probably_meant(string commandLine, string answer)
    {
        var tool = new ToolHarness();
        Assert.Equal(ExitCode.Usage, tool.Run(commandLine.Split(' ')));
        Assert.Equal(answer, tool.Error);
    }

    [Fact]
    public void A_condition_without_meaning_is_shown_with_the_place()
    {
        var tool = new ToolHarness();
        Assert.Equal(ExitCode.Usage, tool.Run("trace", "-p", "2147483647", "libc:malloc", "--where", "arg0 > argo"));
        Assert.StartsWith("uprobe: expression, column 8: there is no `argo`; expected arg0\n  arg0 > argo\n         ^\n  hint: ", tool.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("auto", ProbeEngine.Auto)]
    [InlineData("inline", ProbeEngine.Inline)]
    [InlineData("trap", ProbeEngine.Trap)]
    public void An_engine_can_be_chosen(string name, ProbeEngine engine)
    {
        var tool = Completing(out _);
        Assert.Equal(0, tool.Run("count", "-p", "2147483647", "libc:malloc", "--engine", name));
        Assert.Equal(engine, tool.Options!.Engine);
    }

    [Fact]
    public void Without_process_and_command_the_user_is_told_what_to_give()
    {
        var tool = new ToolHarness();
        tool.Run("count", "libc:malloc");
        Assert.Contains("not there yet", tool.Error, StringComparison.Ordinal);
        Assert.Contains("-p PID", tool.Error, StringComparison.Ordinal);
        Assert.Contains("-c", tool.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("list")]
    [InlineData("trace")]
    [InlineData("count")]
    [InlineData("hist")]
    [InlineData("latency")]
    public void Help_teaches_with_examples(string command)
    {
        var tool = new ToolHarness();
        Assert.Equal(ExitCode.Success, tool.Run(command.Length == 0 ? ["--help"] : [command, "--help"]));
        Assert.Contains(command.Length == 0 ? "Tasks:" : "Examples:", tool.Output, StringComparison.Ordinal);
        Assert.Contains($"uprobe {command}", tool.Output, StringComparison.Ordinal);
        Assert.Empty(tool.Error);
    }

    [Fact]
    public void A_command_in_one_string_is_split_into_words()
    {
        var tool = Completing(out var session);
        Assert.Equal(0, tool.Run("trace", "-c", "sqlite3 :memory: \"select 1\"", "libc:malloc"));
        var command = Assert.IsType<TargetChoice.Command>(tool.Target);
        Assert.Equal("sqlite3", command.Program);
        Assert.Equal([":memory:", "select 1"], command.Arguments);
        Assert.Equal("start stop dispose dispose", session.Marks);
    }

    [Fact]
    public void A_command_after_two_dashes_keeps_its_own_options()
    {
        var tool = Completing(out _);
        Assert.Equal(0, tool.Run("trace", "libc:malloc", "-r", "--", "ls", "-l", "--", "--help"));
        var command = Assert.IsType<TargetChoice.Command>(tool.Target);
        Assert.Equal("ls", command.Program);
        Assert.Equal(["-l", "--", "--help"], command.Arguments);
    }

    [Fact]
    public void Options_may_stand_anywhere_and_processes_repeat()
    {
        var tool = Completing(out _);
        Assert.Equal(0, tool.Run("trace", "-p", "2147483647", "-p", "2147483646", "libc:malloc", "--engine", "trap", "--write-guard", "deny", "--no-follow"));
        Assert.Equal([2147483647, 2147483646], Assert.IsType<TargetChoice.Processes>(tool.Target).Ids);
        Assert.Equal(new SessionOptions { Engine = ProbeEngine.Trap, WriteGuard = WriteGuardPolicy.Deny, FollowForks = false }, tool.Options);
    }

    [Fact]
    public void Detach_lets_the_tracer_go_and_is_refused_where_it_has_to_stay()
    {
        var tool = Completing(out _);
        Assert.Equal(0, tool.Run("count", "-p", "2147483647", "libc:malloc", "--detach"));
        Assert.Equal(new SessionOptions { Presence = TracerPresence.Detached }, tool.Options);
        foreach (string[] words in (string[][])[["count", "libc:malloc", "--engine", "trap"], ["trace", "libc:malloc", "-r"], ["latency", "libc:malloc"], ["hist", "libc:malloc", "retval"]])
        {
            var refusing = new ToolHarness();
            Assert.Equal(ExitCode.Usage, refusing.Run([.. words, "-p", "2147483647", "--detach"]));
            Assert.Contains("--detach", refusing.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_ancestor_is_refused_unless_forced()
    {
        var parent = $"{new Ancestry().Chain(Environment.ProcessId)[^1]}";
        var refusing = new ToolHarness();
        Assert.Equal(ExitCode.Failure, refusing.Run("trace", "-p", parent, "libc:malloc"));
        Assert.Contains("--force", refusing.Error, StringComparison.Ordinal);
        Assert.Equal(0, Completing(out _).Run("trace", "-p", parent, "libc:malloc", "--force"));
    }

    private static ToolHarness Completing(out FakeSession session)
    {
        session = new FakeSession(Image, s => s.Complete());
        return new ToolHarness(session);
    }
}
