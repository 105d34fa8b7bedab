using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Returns;

/// <summary>Calls that never return, and calls that return twice.</summary>
public sealed class EndTests
{
    [Theory]
    [InlineData("exit 3", 3, null)]
    [InlineData("abort", null, 6)]
    public async Task A_function_that_ends_the_process_has_no_return(string command, int? code, int? signal)
    {
        using TargetProcess target = TargetProcess.StartTarget("returns");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("returns"), "quits");
        FollowedFunction exit = calls.Add("libc", "exit"), abort = calls.Add("libc", "abort");
        target.Send(command);
        // The session first: its thread must not lose the end of the process to the tester's wait for the same child.
        await calls.Session.Completion.WaitAsync(Deadline.Default, TestContext.Current.CancellationToken);
        Assert.Equal(new ExitStatus(code, signal), target.WaitForExit());
        Assert.Equal((1L, 0L), (calls["quits"].Entries, calls["quits"].Returns));
        Assert.Equal((1L, 0L), (exit.Entries + abort.Entries, exit.Returns + abort.Returns));
        calls.AssertQuiet();
    }

    [Fact]
    public void A_call_that_forks_returns_in_parent_and_child()
    {
        const int N = 10;
        using TargetProcess target = TargetProcess.StartTarget("returns");
        string expected = target.Ask($"fork {N}");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("returns"), "forks", "work");
        Assert.Equal(expected, target.Ask($"fork {N}", TimeSpan.FromSeconds(60)));
        Assert.Equal((N, 2 * N), (calls["forks"].Entries, calls["forks"].Returns));
        Assert.Equal(N, calls["forks"].Results.Count(r => r.ProcessId == target.Pid && r.Value != 0));
        Assert.Equal(N, calls["forks"].Results.Count(r => r.ProcessId != target.Pid && r.Value == 0));
        Assert.Equal((N, N), (calls["work"].Entries, calls["work"].Returns));
        calls.AssertQuiet();
    }

    [Fact]
    public void A_call_around_vfork_returns_once_and_vfork_itself_twice()
    {
        const int N = 10;
        using TargetProcess target = TargetProcess.StartTarget("returns");
        string expected = target.Ask($"vfork {N}");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("returns"), "vforks", "work");
        FollowedFunction vfork = calls.Add("libc", "vfork");
        Assert.Equal(expected, target.Ask($"vfork {N}", TimeSpan.FromSeconds(60)));
        Assert.Equal((N, N), (calls["vforks"].Entries, calls["vforks"].Returns));
        Assert.All(calls["vforks"].Results, r => Assert.Equal(target.Pid, r.ProcessId));
        Assert.Equal((N, 2 * N), (vfork.Entries, vfork.Returns));
        Assert.Equal((N, N), (calls["work"].Entries, calls["work"].Returns));
        Assert.Equal(0, calls.Session.AwaitedReturns);
    }

    [Fact]
    public void Forks_with_other_threads_running_return_as_without_probes()
    {
        using TargetProcess target = TargetProcess.StartTarget("forker");
        string expected = target.Ask("nested 5");
        using FollowedCalls calls = FollowedCalls.Of(target, Targets.Path("forker"), "child_work");
        Assert.Equal(expected, target.Ask("nested 5", TimeSpan.FromSeconds(60)));
        Assert.Equal((15L, 15L), (calls["child_work"].Entries, calls["child_work"].Returns));
        calls.AssertQuiet();
    }
}
