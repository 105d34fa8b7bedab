using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Signals;

/// <summary>Programs under seccomp (traps R6).</summary>
public sealed class SeccompTests
{
    [Theory]
    [InlineData("errno")]
    [InlineData("kill")]
    [InlineData("strict")]
    public void Root_suspends_the_filter_while_it_arms(string mode)
    {
        Require.Root();
        using TargetProcess bare = TargetProcess.StartTarget("seccomp", mode);
        using ProbedTarget target = ProbedTarget.Start("seccomp", mode);
        ProbeRegistration probe = target.Probe([ProbePoint.At(Targets.Path("seccomp"), "work")])[0];
        Assert.Equal(bare.Ask("go 1000"), target.Process.Ask("go 1000"));
        Assert.Equal(1000, probe.Hits);
        target.Detach();
        Assert.Equal(bare.Ask("go 10"), target.Process.Ask("go 10"));
        Assert.Equal(bare.Quit(), target.Process.Quit());
    }

    [Theory]
    [InlineData("errno")]
    [InlineData("kill")]
    [InlineData("strict")]
    public void An_ordinary_user_is_refused_with_the_reason_and_the_program_goes_on(string mode)
    {
        Require.OtherUser();
        StartOptions nobody = new() { User = StartOptions.Nobody, Environment = new Dictionary<string, string?> { ["HOME"] = "/nonexistent" } };
        using TargetProcess target = TargetProcess.StartTarget(nobody, "seccomp", mode);
        string wanted = target.Ask("go 100");
        CommandResult refused = UprobeCommand.Run(nobody, "count", "-p", target.Pid.ToString(), $"{Targets.Path("seccomp")}:work");
        Assert.Equal(1, refused.Exit.Code);
        Assert.Contains("seccomp", refused.Errors, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(wanted, target.Ask("go 100"));
        TextComparison.AssertSame(target.Pid);
        Assert.Equal(0, ProcessSnapshot.Take(target.Pid).TracerPid);
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }
}
