using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Following;

/// <summary>Children that run in their parent's memory until they execute (traps T13).</summary>
public class SpawnTests
{
    /// <summary>Functions of the C library that run between vfork and exec, in the parent's memory.</summary>
    private static readonly string[] Between = ["execve", "sigaction", "posix_spawn", "vfork", "waitpid", "malloc", "free"];

    [Theory]
    [InlineData("vfork 40", true, 40)]
    [InlineData("spawn 40", true, 40)]
    [InlineData("system 20", true, 0)]
    [InlineData("popen 20", true, 0)]
    [InlineData("all 10", true, 20)]
    [InlineData("all 10", false, 0)]
    public void Programs_started_in_all_usual_ways_run_right(string command, bool follow, long children)
    {
        string[] bare = Counting.Bare("spawner", command);
        using TargetProcess target = TargetProcess.StartTarget("spawner");
        using UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { FollowForks = follow });
        Notices notices = session.Listen();
        RegistrationResult libc = session.RegisterAll([.. Between.Select(f => new ProbeRequest(ProbePoint.At("libc", f), new ProbeHandlers()))]);
        Assert.Empty(libc.Refusals);
        using ProbeRegistration child = session.Count(Targets.Path("spawner"), "child_work");
        using ProbeRegistration number = session.Count(Targets.Path("spawner"), "number");
        Assert.Equal(bare, target.AskAll(command));
        Assert.Equal(children, child.Hits);
        Assert.Equal([target.Pid], session.ProcessIds);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public void What_a_vfork_child_calls_in_the_memory_of_its_parent_is_counted_as_its_own()
    {
        using TargetProcess target = TargetProcess.StartTarget("spawner");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        HashSet<int> callers = [];
        using ProbeRegistration execve = session.Register(ProbePoint.At("libc", "execve"),
            new ProbeHandlers { Pre = hit => callers.Add(hit.ProcessId) });
        target.Ask("vfork 10");
        Assert.Equal(10, execve.Hits);
        session.Dispose();
        Assert.Equal(10, callers.Count);
        Assert.DoesNotContain(target.Pid, callers);
        target.QuitsWell();
    }
}
