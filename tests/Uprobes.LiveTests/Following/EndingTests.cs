using System.Diagnostics;
using Uprobes.Images;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Following;

/// <summary>Processes that end, in any order and at any moment, and one whose first thread has ended.</summary>
public class EndingTests
{
    private const int SIGKILL = 9;

    [Fact]
    public void A_session_completes_when_its_last_process_has_ended_in_whatever_order()
    {
        LeakCheck leaks = new();
        foreach (int[] order in (int[][])[[0, 1, 2], [2, 1, 0], [1, 2, 0]])
        {
            using TargetProcess first = TargetProcess.StartTarget("threads");
            using TargetProcess second = TargetProcess.StartTarget("calls-pie");
            using TargetProcess third = TargetProcess.StartTarget("forker");
            TargetProcess[] targets = [first, second, third];
            using UprobeSession session = UprobeSession.Attach([.. targets.Select(t => t.Pid)]);
            Notices notices = session.Listen();
            using ProbeRegistration puts = session.Count("libc", "fgets");
            using ProbeRegistration work = session.Count(Targets.Path("threads"), "work");
            using ProbeRegistration nothing = session.Count(Targets.Path("calls-pie"), "nothing");
            using ProbeRegistration child = session.Count(Targets.Path("forker"), "child_work");
            first.Ask("go 4 10");
            second.Ask("nothing 7");
            third.Ask("fork 3");
            Assert.Equal((40, 7, 3), (work.Hits, nothing.Hits, child.Hits));
            for (int i = 0; i < order.Length; i++)
            {
                Assert.False(session.Completion.IsCompleted);
                targets[order[i]].QuitsWell();
            }

            session.AwaitCompletion();
            Assert.Empty(session.ProcessIds);
            notices.AssertNone();
        }

        leaks.AssertNothingLeft();
    }

    [Theory]
    [InlineData("threads", "spin 8")]
    [InlineData("threads", "births 1000000")]
    [InlineData("forker", "thread 100000")]
    [InlineData("forker", "nested 100000")]
    [InlineData("spawner", "all 100000")]
    [InlineData("dl", "cycle 1000000")]
    [TestLimit(180)]
    public void Targets_may_be_killed_at_any_moment(string name, string command)
    {
        string function = name switch { "forker" or "spawner" => "child_work", "dl" => "main", _ => "work" };
        Random moments = new(7);
        LeakCheck leaks = new();
        for (int round = 0; round < 30; round++)
        {
            using TargetProcess target = TargetProcess.StartTarget(name);
            using UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { Guardian = round % 5 == 0 });
            using ProbeRegistration own = session.Count(Targets.Path(name), function);
            using ProbeRegistration malloc = session.Count("libc", "malloc");
            using ProbeRegistration mmap = session.Count("libc", "mmap");
            target.Send(command);
            int spins = moments.Next(8_000);
            while (spins-- > 0 && !target.HasExited)
                Thread.Yield();
            target.Signal(SIGKILL);
            Assert.Equal(new ExitStatus(null, SIGKILL), target.WaitForExit());
            session.AwaitCompletion(); // the children, which the session follows, end by themselves
            // One that is born in the last moment is taken in when it comes.
            Assert.True(SpinWait.SpinUntil(() => StoppedInGroup(target.Pid).Count == 0, TimeSpan.FromSeconds(30)),
                $"stopped for ever: {string.Join(", ", StoppedInGroup(target.Pid))}");
            session.Dispose();
        }

        leaks.AssertNothingLeft();
    }

    [Fact]
    public async Task A_process_that_is_killed_while_its_probes_come_and_go_has_lost_none()
    {
        Random moments = new(11);
        string library = Require.InstalledFile("/usr/lib/x86_64-linux-gnu/libc.so.6");
        using ElfImage image = ElfImage.Open(library);
        ProbeRequest[] requests = [.. image.Functions.All.DistinctBy(f => f.Offset).Where(f => f.Name != "__restore_rt")
            .Select(f => new ProbeRequest(ProbePoint.At(library, f.Offset, f.Name), new ProbeHandlers()))];
        for (int round = 0; round < 60; round++)
        {
            using TargetProcess target = TargetProcess.StartTarget("calls-pie");
            using UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { Guardian = false });
            Notices notices = session.Listen();
            session.UnregisterAll(session.RegisterAll(requests).Registrations); // What makes the first time slow is done.
            TimeSpan until = TimeSpan.FromMicroseconds(moments.Next(60_000));
            Task kill = Task.Run(
                () =>
                {
                    long start = Stopwatch.GetTimestamp();
                    SpinWait.SpinUntil(() => Stopwatch.GetElapsedTime(start) >= until);
                    target.Signal(SIGKILL);
                },
                TestContext.Current.CancellationToken);
            while (!session.Completion.IsCompleted)
                session.UnregisterAll(session.RegisterAll(requests).Registrations);
            await kill;
            notices.AssertNone();
        }
    }

    [Fact]
    public void A_process_whose_first_thread_has_ended_can_be_probed()
    {
        string[] bare = Counting.Bare("leaderless", "go 5", "go 3");
        using TargetProcess target = TargetProcess.StartTarget("leaderless");
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            Notices notices = session.Listen();
            using ProbeRegistration work = session.Count(Targets.Path("leaderless"), "work");
            Assert.Equal(bare[0], target.Ask("go 5"));
            Assert.Equal(5, work.Hits);
            session.Dispose();
            notices.AssertNone();
        }

        Assert.Equal(bare[1], target.Ask("go 3"));
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            using ProbeRegistration work = session.Count(Targets.Path("leaderless"), "work");
            Assert.Equal(bare[1], target.Ask("go 3"));
            Assert.Equal(3, work.Hits);
            Assert.Equal(new ExitStatus(7, null), target.Quit());
            session.AwaitCompletion();
        }
    }

    [Fact]
    public void A_process_whose_first_thread_has_ended_can_execute()
    {
        string bare = Counting.Bare("leaderless", "go 3")[0];
        using TargetProcess target = TargetProcess.StartTarget("leaderless");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration work = session.Count(Targets.Path("leaderless"), "work");
        using ProbeRegistration main = session.Count(Targets.Path("leaderless"), "main");
        for (int round = 1; round <= 3; round++)
        {
            target.Send("exec"); // After the first round the leader was a tracee when it ended.
            target.WaitForLine($"ready {target.Pid}");
            target.Ask("go 4");
            Assert.Equal((4 * round, round), (work.Hits, main.Hits));
        }

        Assert.Equal([target.Pid], session.ProcessIds);
        session.Dispose();
        Assert.Equal(bare, target.Ask("go 3"));
        Assert.Equal((12, new ExitStatus(7, null)), (work.Hits, target.Quit()));
        notices.AssertNone();
    }

    [Fact]
    public void The_exit_code_of_a_probed_program_is_its_own()
    {
        using TargetProcess target = TargetProcess.StartTarget("leaderless");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using ProbeRegistration exit = session.Count("libc", "exit");
        Assert.Equal(new ExitStatus(7, null), target.Quit());
        session.AwaitCompletion();
        Assert.Equal(1, exit.Hits);
    }

    /// <summary>Processes of a target's group that a tracer keeps stopped, as <c>PID</c>.</summary>
    private static List<string> StoppedInGroup(int group)
    {
        List<string> found = [];
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            string pid = System.IO.Path.GetFileName(folder);
            if (!pid.All(char.IsAsciiDigit))
                continue;
            try
            {
                string stat = File.ReadAllText(folder + "/stat");
                string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                if (fields[2] == $"{group}" && fields[0] == "t")
                    found.Add(pid);
            }
            catch (IOException)
            {
                continue; // ended meanwhile
            }
        }

        return found;
    }
}
