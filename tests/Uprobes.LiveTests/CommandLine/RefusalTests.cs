using Uprobes.LiveTests.Kit;
using static Uprobes.LiveTests.CommandLine.TracedCalls;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>What the command answers when something cannot be done: one sentence, a hint, exit code 1.</summary>
public sealed class RefusalTests
{
    private const string Target = "calls-pie";
    private const string NoProcess = "2147483647";

    [Theory]
    [InlineData("nothin", "has no function nothin", "did you mean nothing?")]
    [InlineData("no_*", "no function", "uprobe list")]
    [InlineData("0xffffffff", "past the end of the file", null)]
    [InlineData("0x0", "cannot probe", null)]
    public void A_function_that_is_not_there(string function, string what, string? hint) => AssertRefused(what, hint, Spec(Target, function));

    [Fact]
    public void A_library_that_is_not_there() => AssertRefused("no file called libnowhere was found", "libc", "libnowhere:f");

    [Fact]
    public void An_indirect_function() => AssertRefused("is an indirect function", "__strlen_", "libc:strlen");

    [Fact]
    public void A_process_that_is_not_there()
    {
        CommandResult result = UprobeCommand.Run("trace", "-p", NoProcess, "libc:malloc");
        Assert.Equal(new ExitStatus(1, null), result.Exit);
        Assert.StartsWith($"uprobe: cannot attach to process {NoProcess}", result.Errors, StringComparison.Ordinal);
        Assert.Contains("\n  hint: ", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_process_that_is_traced_already()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using TargetProcess first = Attach(target, "count", Spec(Target, "nothing"));
        CommandResult second = UprobeCommand.Run("count", "-p", $"{target.Pid}", Spec(Target, "nothing"));
        Assert.Equal(new ExitStatus(1, null), second.Exit);
        Assert.Contains("already traced by process", second.Errors, StringComparison.Ordinal);
        target.Ask("nothing 3");
        target.Quit();
        first.WaitForExit();
        Assert.Contains("           3  nothing\n", first.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_process_of_another_user()
    {
        Require.OtherUser();
        using TargetProcess target = TargetProcess.StartTarget(Target);
        CommandResult result = UprobeCommand.Run(new StartOptions { User = StartOptions.Nobody }, "trace", "-p", $"{target.Pid}", Spec(Target, "nothing"));
        Assert.Equal(new ExitStatus(1, null), result.Exit);
        Assert.Contains("user 0", result.Errors, StringComparison.Ordinal);
        Assert.Contains("\n  hint: ", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_process_that_the_tool_depends_on()
    {
        CommandResult result = UprobeCommand.Run("trace", "-p", $"{Environment.ProcessId}", "libc:read");
        Assert.Equal(new ExitStatus(1, null), result.Exit);
        Assert.Contains("--force", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_that_cannot_be_started()
    {
        CommandResult result = UprobeCommand.Run("trace", "-c", "/nowhere/at-all", "libc:malloc");
        Assert.Equal(new ExitStatus(1, null), result.Exit);
        Assert.StartsWith("uprobe: cannot start /nowhere/at-all", result.Errors, StringComparison.Ordinal);
    }

    private static void AssertRefused(string what, string? hint, string spec)
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        CommandResult result = UprobeCommand.Run("trace", "-p", $"{target.Pid}", spec);
        Assert.Equal(new ExitStatus(1, null), result.Exit);
        Assert.StartsWith("uprobe: ", result.Errors, StringComparison.Ordinal);
        Assert.Contains(what, result.Errors, StringComparison.Ordinal);
        if (hint is not null)
            Assert.Contains(hint, result.Errors[result.Errors.IndexOf("\n  hint: ", StringComparison.Ordinal)..], StringComparison.Ordinal);
        Assert.Empty(result.Output);
        Assert.Equal(0, ProcessSnapshot.Take(target.Pid).TracerPid);
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }
}
