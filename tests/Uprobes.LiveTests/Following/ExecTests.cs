using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Following;

/// <summary>A tracee that executes another program is armed before the first instruction of it.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")] // for the file mode that a test sets
public class ExecTests
{
    [Fact]
    public void A_program_that_executes_itself_again_and_again_is_counted_exactly()
    {
        using TargetProcess target = TargetProcess.StartTarget("execer");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration work = session.Count(Targets.Path("execer"), "work");
        using ProbeRegistration main = session.Count(Targets.Path("execer"), "main");
        target.Send("self 20");
        target.WaitForLine("image 20 ");
        target.WaitForLine("ready ");
        Assert.Equal(20, main.Hits);
        Assert.Equal(Enumerable.Range(2, 20).Sum(), work.Hits); // image g calls it g + 1 times
        Assert.Equal(3, During(work, () => target.Ask("go 3")));
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public void A_thread_that_is_not_the_leader_may_execute()
    {
        using TargetProcess target = TargetProcess.StartTarget("execer");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration work = session.Count(Targets.Path("execer"), "work");
        long expected = 0;
        for (int generation = 1; generation <= 10; generation++)
        {
            target.Send("thread");
            target.WaitForLine($"image {generation} of {target.Pid} ");
            target.WaitForLine("ready ");
            expected += generation + 1;
            Assert.Equal(expected, work.Hits);
        }

        Assert.Equal([target.Pid], session.ProcessIds);
        session.Dispose();
        Assert.Equal(0, ProcessSnapshot.Take(target.Pid).TracerPid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Theory]
    [InlineData("calls-pie")]
    [InlineData("calls-nopie")]
    [InlineData("calls-static")]
    [InlineData("calls-static-pie")]
    [InlineData("calls-musl")]
    public void Another_program_is_armed_before_it_runs(string name)
    {
        string program = Targets.Path(name);
        string[] bare = Counting.Bare(name, "work 7", "fact 2");
        using TargetProcess target = TargetProcess.StartTarget("execer");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration main = session.Count(program, "main");
        using ProbeRegistration work = session.Count(program, "work");
        using ProbeRegistration fact = session.Count(program, "fact");
        target.Send($"path {program}");
        target.WaitForLine("ready ");
        Assert.Equal(1, main.Hits);
        Assert.Equal(bare, target.AskAll("work 7", "fact 2"));
        Assert.Equal((7, 20), (work.Hits, fact.Hits));
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public void The_interpreter_of_a_script_is_armed_before_it_runs()
    {
        string script = Path.GetTempFileName();
        try
        {
            File.WriteAllText(script, $"#!{Targets.Path("early")}\n"); // gets the script's path as its argument: 0 calls of work
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            using TargetProcess target = TargetProcess.StartTarget("execer");
            using UprobeSession session = UprobeSession.Attach(target.Pid);
            using ProbeRegistration constructor = session.Count(Targets.Path("libearly.so"), "early_init");
            using ProbeRegistration main = session.Count(Targets.Path("early"), "main");
            target.Send($"path {script}");
            Assert.Equal(new ExitStatus(0, null), target.WaitForExit());
            session.AwaitCompletion();
            Assert.Equal((2, 1), (constructor.Hits, main.Hits));
        }
        finally
        {
            File.Delete(script);
        }
    }

    [Fact]
    public void An_execution_that_fails_changes_nothing()
    {
        using TargetProcess target = TargetProcess.StartTarget("execer");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using ProbeRegistration main = session.Count(Targets.Path("execer"), "main");
        target.Send("path /nonexistent/program");
        Assert.Equal(new ExitStatus(127, null), target.WaitForExit());
        session.AwaitCompletion();
        Assert.Equal(0, main.Hits);
    }

    private static long During(ProbeRegistration counter, Action action)
    {
        long before = counter.Hits;
        action();
        return counter.Hits - before;
    }
}
