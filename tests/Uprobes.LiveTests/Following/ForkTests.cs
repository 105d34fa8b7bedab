using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Following;

/// <summary>Forked children: counted where they are followed, untouched where they are not.</summary>
public class ForkTests
{
    [Theory]
    [InlineData("fork 30", 30)]
    [InlineData("thread 30", 30)]
    [InlineData("nested 20", 60)]
    public void Children_are_counted_exactly(string command, long calls)
    {
        string[] bare = Counting.Bare("forker", command);
        using TargetProcess target = TargetProcess.StartTarget("forker");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration child = session.Count(Targets.Path("forker"), "child_work");
        using ProbeRegistration noise = session.Count(Targets.Path("forker"), "work");
        Assert.Equal(bare, target.AskAll(command));
        Assert.Equal(calls, child.Hits);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Theory]
    [InlineData("fork 30")]
    [InlineData("thread 30")]
    [InlineData("nested 20")]
    public void Children_that_are_not_followed_run_right_and_are_not_counted(string command)
    {
        string[] bare = Counting.Bare("forker", command);
        using TargetProcess target = TargetProcess.StartTarget("forker");
        using UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { FollowForks = false });
        Notices notices = session.Listen();
        using ProbeRegistration child = session.Count(Targets.Path("forker"), "child_work");
        using ProbeRegistration noise = session.Count(Targets.Path("forker"), "work");
        Assert.Equal(bare, target.AskAll(command));
        Assert.Equal(0, child.Hits);
        Assert.Equal([target.Pid], session.ProcessIds);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public void Nothing_of_the_probes_is_in_a_child_that_is_not_followed()
    {
        using TargetProcess target = TargetProcess.StartTarget("family");
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        using UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { FollowForks = false });
        using ProbeRegistration child = session.Count(Targets.Path("family"), "child_work");
        using ProbeRegistration libc = session.Count("libc", "malloc");
        // The child runs by now: the session has let go of it.
        int pid = int.Parse(target.Ask("hold"), System.Globalization.CultureInfo.InvariantCulture);
        ProcessSnapshot held = ProcessSnapshot.Take(pid);
        Assert.Equal([], held.DifferencesFrom(before).Where(d => !d.Contains("pipe:", StringComparison.Ordinal)));
        Assert.Equal(0, held.TracerPid);
        TextComparison.AssertSame(pid);
        target.Ask("free");
        Assert.Equal(0, child.Hits);
        target.QuitsWell();
    }

    [Theory]
    [InlineData("orphan 20", 20)]
    [InlineData("deep 12", 12)]
    [InlineData("shared 20", 20)]
    [InlineData("quiet 20", 20)]
    [InlineData("many 24", 24)]
    public void Families_of_all_kinds_are_counted_exactly(string command, long calls)
    {
        string[] bare = Counting.Bare("family", command);
        using TargetProcess target = TargetProcess.StartTarget("family");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration child = session.Count(Targets.Path("family"), "child_work");
        Assert.Equal(bare, target.AskAll(command));
        Assert.Equal(calls, child.Hits);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Theory]
    [InlineData("orphan 10", 0)]
    [InlineData("deep 6", 1)] // the first generation is the target itself
    [InlineData("shared 10", 0)]
    [InlineData("quiet 10", 0)]
    [InlineData("many 10", 0)]
    public void Families_that_are_not_followed_run_right(string command, long own)
    {
        string[] bare = Counting.Bare("family", command);
        using TargetProcess target = TargetProcess.StartTarget("family");
        using UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { FollowForks = false });
        using ProbeRegistration child = session.Count(Targets.Path("family"), "child_work");
        Assert.Equal(bare, target.AskAll(command));
        Assert.Equal(own, child.Hits);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
    }

    [Fact]
    public void A_return_is_seen_on_both_sides_of_a_fork()
    {
        using TargetProcess target = TargetProcess.StartTarget("forker");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Dictionary<int, int> returns = [];
        using ProbeRegistration fork = session.RegisterReturn(ProbePoint.At("libc", "fork"), new ReturnHandlers
        {
            Return = hit => returns[hit.ProcessId] = returns.GetValueOrDefault(hit.ProcessId) + 1,
        });
        target.Ask("fork 5");
        session.Dispose();
        Assert.Equal(6, returns.Count);
        Assert.Equal(5, returns[target.Pid]);
        Assert.All(returns.Where(r => r.Key != target.Pid), r => Assert.Equal(1, r.Value));
        target.QuitsWell();
    }
}
