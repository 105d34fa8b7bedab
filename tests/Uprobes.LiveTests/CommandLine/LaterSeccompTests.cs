using Uprobes.LiveTests.Kit;
using static Uprobes.LiveTests.CommandLine.TracedCalls;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>
/// Programs that install a seccomp filter once they are probed, as docs/engines.md has it: what programs in the process do without system calls goes on, reads that
/// the filter refuses are told, and at breakpoints all is as without it.
/// </summary>
public sealed class LaterSeccompTests
{
    private const string Calls = "result 3615968802080966573";

    [Theory]
    [InlineData("strict", "auto")]
    [InlineData("kill", "auto")]
    [InlineData("errno", "auto")]
    [InlineData("strict", "trap")]
    [InlineData("kill", "trap")]
    public void Calls_are_counted_behind_the_filter(string filter, string engine)
    {
        using TargetProcess tool = UprobeCommand.Start("count", "--engine", engine, Spec("seccomp", "work"), "-c", $"{Targets.Path("seccomp")} {filter}");
        AssertGoesOn(tool);
        Assert.Contains("6  work\n", tool.Output, StringComparison.Ordinal); // One of them before the filter.
    }

    [Fact]
    public void Reads_that_the_filter_refuses_are_told()
    {
        using TargetProcess tool = Script("errno", "auto");
        AssertGoesOn(tool);
        Assert.Matches("(?m)^[0-9]+ reads of memory that was not there", tool.Errors);
        Assert.Contains("@calls: 6\n", tool.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void At_breakpoints_the_filter_is_not_met()
    {
        using TargetProcess tool = Script("kill", "trap");
        AssertGoesOn(tool);
        Assert.DoesNotContain("reads of memory", tool.Errors, StringComparison.Ordinal);
        Assert.Contains("@calls: 6\n", tool.Output, StringComparison.Ordinal);
        Assert.Contains("@name: seccomp\n", tool.Output, StringComparison.Ordinal);
    }

    private static TargetProcess Script(string filter, string engine) =>
        UprobeCommand.Start("run", "--engine", engine, "-e", $"uprobe:{Spec("seccomp", "work")} {{ @calls = count(); @text = str(reg(\"sp\")); @name = comm; }}", "-c", $"{Targets.Path("seccomp")} {filter}");

    private static void AssertGoesOn(TargetProcess tool)
    {
        tool.Send("go 5");
        tool.WaitForLine(Calls);
        tool.CloseInput();
        Assert.True(tool.WaitForExit() == new ExitStatus(0, null), $"{tool.Output}{tool.Errors}");
    }
}
