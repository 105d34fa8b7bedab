using System.Globalization;
using Uprobes.Linux;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.WriteGuards;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>Sessions whose tracer lets go of the processes that it probes.</summary>
public sealed class DetachedTests : IDisposable
{
    private readonly LeakCheck _leaks = new();
    private readonly List<string> _notices = [];
    private int _returns;

    public void Dispose() => _leaks.AssertNothingLeft();

    [Fact]
    public void Nobody_traces_a_process_whose_calls_are_counted_exactly()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        target.Ask("go 4 10"); // The C library keeps what its first threads need.
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        using UprobeSession session = Attach(target);
        using LiveAggregate<long> count = session.Entry(Targets.Path("threads"), "work").Count();
        Assert.Empty(count.Refusals);
        AssertUntraced(target.Pid);
        Assert.Equal(1, session.InlineSites);
        int returns = _returns;
        Assert.EndsWith("400000", target.Ask("go 4 100000"), StringComparison.Ordinal);
        Assert.EndsWith("200000", target.Ask("go 2 100000"), StringComparison.Ordinal);
        Assert.Equal(600_000, count.Value);
        Assert.Equal(returns, _returns);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal([], ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        Assert.Equal([], _notices);
        Assert.EndsWith("200000", target.Ask("go 2 100000"), StringComparison.Ordinal);
    }

    [Fact]
    public void Switching_probes_off_and_on_attaches_to_nobody()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = Attach(target);
        using LiveAggregate<long> count = session.Entry(Targets.Path("threads"), "work").Count();
        AssertUntraced(target.Pid);
        int returns = _returns;
        for (int i = 0; i < 1000; i++)
            count.IsEnabled = i % 2 != 0;
        count.IsEnabled = false;
        target.Ask("go 2 1000");
        Assert.Equal(0, count.Value);
        count.IsEnabled = true;
        target.Ask("go 2 1000");
        Assert.Equal(2000, count.Value);
        Assert.Equal(returns, _returns);
        AssertUntraced(target.Pid);
    }

    [Fact]
    public void Probes_come_and_go_with_the_tracer_away_in_between()
    {
        using Hitters target = new(threads: 3, tick: 1000);
        using UprobeSession session = Attach(target.Process);
        for (int i = 0; i < 20; i++)
        {
            using LiveAggregate<long> counts = session.Entry(Targets.Path("hitters"), "hit_*").Where(p => p.Arg(0) != 0).Count();
            Assert.Empty(counts.Refusals);
            AssertUntraced(target.Process.Pid);
            long rounds = target.Window(20);
            Assert.Equal(rounds * (Hitters.Functions.Count() + 1), counts.Value);
            using LiveAggregate<long> second = session.Entry(Targets.Path("hitters"), "hit_long").Where(p => p.Arg(0) != 0).Count();
            AssertUntraced(target.Process.Pid);
            rounds = target.Window(5);
            Assert.Equal(rounds, second.Value);
        }

        session.Dispose();
        target.AssertRight();
        TextComparison.AssertSame(target.Process.Pid);
        Assert.Equal([], _notices);
    }

    [Fact]
    public void A_debugger_can_have_the_process_while_it_is_counted()
    {
        const string Strace = "/usr/bin/strace";
        Assert.SkipUnless(File.Exists(Strace), $"{Strace} is missing");
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = Attach(target);
        using LiveAggregate<long> count = session.Entry(Targets.Path("threads"), "work").Count();
        using (TargetProcess strace = TargetProcess.Start(Strace, "-f", "-p", $"{target.Pid}"))
        {
            strace.WaitForErrorLine($"{Strace}: Process {target.Pid} attached");
            target.Ask("go 2 1000");
            Assert.Equal(2000, count.Value);
            ProbeRefusedException refused = Assert.Throws<ProbeRefusedException>(() => session.Entry(Targets.Path("threads"), "main").Count());
            Assert.Equal(ProbeRefusalReason.OutOfReach, refused.Refusal.Reason);
            Assert.Contains("strace", refused.Message, StringComparison.Ordinal);
            count.Dispose();
            target.Ask("go 2 1000"); // The jumps are there, and do nothing.
            Assert.NotEmpty(TextComparison.Compare(target.Pid));
            strace.Signal(Signal.SIGINT);
            strace.WaitForExit();
        }

        Eventually.Holds(() => TextComparison.Compare(target.Pid).Count == 0, "what was removed meanwhile is taken out");
        Assert.Contains(_notices, n => n.Contains("strace", StringComparison.Ordinal));
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
    }

    [Fact]
    public void A_process_that_another_tracer_keeps_is_left_with_jumps_that_do_nothing()
    {
        const string Strace = "/usr/bin/strace";
        Assert.SkipUnless(File.Exists(Strace), $"{Strace} is missing");
        using TargetProcess target = TargetProcess.StartTarget("threads");
        UprobeSession session = Attach(target, new SessionOptions { StopTimeout = TimeSpan.FromSeconds(1) });
        using LiveAggregate<long> count = session.Entry(Targets.Path("threads"), "work").Count();
        using (TargetProcess strace = TargetProcess.Start(Strace, "-f", "-p", $"{target.Pid}"))
        {
            strace.WaitForErrorLine($"{Strace}: Process {target.Pid} attached");
            session.Dispose();
            Assert.Contains(_notices, n => n.Contains("jumps stay", StringComparison.Ordinal));
            Assert.EndsWith("2000", target.Ask("go 2 1000"), StringComparison.Ordinal);
            strace.Signal(Signal.SIGINT);
            strace.WaitForExit();
        }

        Assert.EndsWith("2000", target.Ask("go 2 1000"), StringComparison.Ordinal);
        using UprobeSession later = UprobeSession.Attach(target.Pid);
        using LiveAggregate<long> again = later.Entry(Targets.Path("threads"), "work").Count();
        target.Ask("go 2 1000");
        Assert.Equal(2000, again.Value);
        later.Dispose();
        TextComparison.AssertSame(target.Pid);
    }

    [Fact]
    public void What_cannot_be_switched_off_while_a_debugger_has_the_process_is_told_of_and_taken_out_later()
    {
        const string Strace = "/usr/bin/strace";
        Assert.SkipUnless(File.Exists(Strace), $"{Strace} is missing");
        using TargetProcess target = TargetProcess.StartTarget("hostile");
        using UprobeSession session = Attach(target, new SessionOptions { LookInterval = TimeSpan.FromMilliseconds(20) });
        using LiveAggregate<long> count = session.Entry(Targets.Path("hostile"), "work").Count();
        Assert.Equal("1", target.Ask("freeze"));
        using (TargetProcess strace = TargetProcess.Start(Strace, "-f", "-p", $"{target.Pid}"))
        {
            strace.WaitForErrorLine($"{Strace}: Process {target.Pid} attached");
            count.Dispose();
            Assert.Single(_notices, n => n.Contains("could not be switched off", StringComparison.Ordinal));
            Assert.Equal("1000", target.Ask("go 1000"));
            strace.Signal(Signal.SIGINT);
            strace.WaitForExit();
        }

        Eventually.Holds(() => TextComparison.Compare(target.Pid).Count == 0, "what was removed meanwhile is taken out");
        Assert.Single(_notices, n => n.Contains("could not be switched off", StringComparison.Ordinal));
        Assert.Equal("1000", target.Ask("go 1000"));
    }

    [Fact]
    public void A_library_that_is_loaded_later_is_probed_at_the_next_look()
    {
        using TargetProcess target = TargetProcess.StartTarget("dl");
        using UprobeSession session = Attach(target);
        using LiveAggregate<long> count = session.Entry(Targets.Path("libplug.so"), "plug_work").Count();
        for (int round = 0; round < 3; round++)
        {
            target.Ask("open 0");
            Eventually.Holds(() => session.InlineSites == 1, "the library is probed");
            Eventually.Holds(() => IsUntraced(target.Pid), "the tracer has gone");
            long before = count.Value;
            target.Ask("call 100");
            Assert.Equal(before + 100, count.Value);
            target.Ask("close 0");
            Eventually.Holds(() => session.InlineSites == 0, "that it is unloaded is seen");
        }

        target.Ask("cycle 200"); // May be seen or not.
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal([], _notices);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_forked_child_is_found_and_let_go_of(bool isFollowed)
    {
        using TargetProcess target = TargetProcess.StartTarget("family");
        using UprobeSession session = Attach(target, new SessionOptions { FollowForks = isFollowed });
        using LiveAggregate<long> count = session.Entry(Targets.Path("family"), "child_work").Count();
        int child = int.Parse(target.Ask("hold"), CultureInfo.InvariantCulture);
        Eventually.Holds(() => session.ProcessIds.Contains(child) == isFollowed && IsUntraced(child) && (isFollowed || TextComparison.Compare(child).Count == 0), "the child is taken in");
        AssertUntraced(target.Pid);
        if (isFollowed)
            Eventually.Holds(() => session.InlineSites == 2, "the child is armed");
        else
            TextComparison.AssertSame(child);
        target.Ask("free");
        Assert.Equal(isFollowed ? 1 : 0, count.Value);
        Eventually.Holds(() => session.ProcessIds.Count == 1, "its end is seen");
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal([], _notices);
    }

    [Fact]
    public void The_end_of_a_session_takes_patches_out_of_children_that_nobody_has_seen()
    {
        using TargetProcess target = TargetProcess.StartTarget("family");
        using UprobeSession session = Attach(target, new SessionOptions { LookInterval = TimeSpan.FromMinutes(1) });
        using LiveAggregate<long> count = session.Entry(Targets.Path("family"), "child_work").Count();
        int child = int.Parse(target.Ask("hold"), CultureInfo.InvariantCulture);
        Assert.NotEmpty(TextComparison.Compare(child));
        session.Dispose();
        TextComparison.AssertSame(child);
        TextComparison.AssertSame(target.Pid);
        Assert.DoesNotContain("memfd", File.ReadAllText($"/proc/{child}/maps"), StringComparison.Ordinal);
        target.Ask("free");
        Assert.Equal([], _notices);
    }

    [Theory]
    [InlineData("fork 30", "forker")]
    [InlineData("thread 30", "forker")]
    [InlineData("nested 20", "forker")]
    [InlineData("orphan 20", "family")]
    [InlineData("deep 8", "family")]
    [InlineData("shared 10", "family")]
    [InlineData("many 20", "family")]
    public void Children_of_all_kinds_run_right(string command, string name)
    {
        using TargetProcess bare = TargetProcess.StartTarget(name);
        string expected = bare.Ask(command);
        using TargetProcess target = TargetProcess.StartTarget(name);
        using UprobeSession session = Attach(target, new SessionOptions { LookInterval = TimeSpan.FromMilliseconds(1) });
        using LiveAggregate<long> count = session.Entry(Targets.Path(name), "*work").Count();
        for (int round = 0; round < 3; round++)
            Assert.Equal(expected, target.Ask(command));
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal(0, target.Quit().Code);
        Assert.Equal([], _notices);
    }

    [Theory]
    [InlineData("fork 400", "forker")]
    [InlineData("nested 150", "forker")]
    [InlineData("orphan 150", "family")]
    public void Probes_come_and_go_while_processes_fork(string command, string name)
    {
        using TargetProcess bare = TargetProcess.StartTarget(name);
        string expected = bare.Ask(command, TimeSpan.FromSeconds(60));
        using TargetProcess target = TargetProcess.StartTarget(name);
        using UprobeSession session = Attach(target);
        target.Send(command);
        for (int round = 0; round < 60; round++)
        {
            using LiveAggregate<long> count = session.Entry(Targets.Path(name), "*work").Count();
            using LiveAggregate<long> libc = session.Entry("libc", "mem*").Count();
        }

        Assert.Equal($"result {expected}", target.WaitForLine("result ", TimeSpan.FromSeconds(60)));
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal(0, target.Quit().Code);
        Assert.Equal([], _notices);
    }

    [Fact]
    public void A_shell_that_starts_many_programs_goes_on_right()
    {
        using UprobeSession session = UprobeSession.Launch("/bin/sh", ["-c", "n=0; while [ $n -lt 60 ]; do /bin/true && x=$(/bin/echo $n) && [ $x = $n ] && n=$((n + 1)) || exit 1; done; exit $n"], Options());
        Listen(session);
        using LiveAggregate<long> libc = session.Entry("libc", "*alloc").Count();
        session.Start();
        Eventually.Holds(() => session.Completion.IsCompleted, "the session ends");
        Assert.Equal(60, session.LaunchedExitCode);
        Assert.True(libc.Value > 0, $"{libc.Value}");
        Assert.Equal([], _notices);
    }

    [Fact]
    public void An_executed_program_is_probed_at_the_next_look()
    {
        using TargetProcess target = TargetProcess.StartTarget("execer");
        using UprobeSession session = Attach(target);
        using LiveAggregate<long> count = session.Entry(Targets.Path("execer"), "work").Count();
        AssertUntraced(target.Pid);
        foreach (string command in new[] { "self 1", "thread", "self 3" })
        {
            target.Send(command);
            target.WaitForLine("ready ");
            Eventually.Holds(() => TextComparison.Compare(target.Pid).Count > 0 && IsUntraced(target.Pid), "the new program is probed");
            long before = count.Value;
            target.Ask("go 100");
            Eventually.Holds(() => count.Value >= before + 100, "its calls are counted");
        }

        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal([], _notices);
    }

    [Fact]
    public void The_end_of_a_process_ends_its_session()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = Attach(target);
        using LiveAggregate<long> count = session.Entry(Targets.Path("threads"), "work").Count();
        target.Ask("go 2 1000");
        Assert.Equal(0, target.Quit().Code);
        Eventually.Holds(() => session.Completion.IsCompleted, "the session ends");
        Assert.Equal(2000, count.Value);
        Assert.Equal([], _notices);
    }

    [Fact]
    public void A_launched_program_is_probed_from_its_first_instruction_on_in_all_libraries_that_it_names()
    {
        using UprobeSession session = UprobeSession.Launch("/bin/sh", ["-c", "exit 7"], Options());
        Listen(session);
        using LiveAggregate<long> libc = session.Entry("libc", "malloc").Count();
        using LiveAggregate<long> exits = session.Entry("libc", "_exit").Count();
        session.Start();
        Eventually.Holds(() => session.Completion.IsCompleted, "the session ends");
        Assert.Equal(7, session.LaunchedExitCode);
        Assert.True(libc.Value > 0, $"{libc.Value}");
        Assert.Equal([], _notices);
    }

    [Fact]
    public void A_launched_program_is_let_go_of_when_it_runs()
    {
        using UprobeSession session = UprobeSession.Launch("/bin/sleep", ["60"], Options());
        Listen(session);
        using LiveAggregate<long> malloc = session.Entry("libc", "malloc").Count();
        session.Start();
        Eventually.Holds(() => IsUntraced(session.LaunchedProcessId!.Value), "the tracer has gone");
        Assert.Equal("0000000000000000", Caught(session.LaunchedProcessId!.Value)); // No handler of ours is left.
        session.Dispose();
        TextComparison.AssertSame(session.LaunchedProcessId!.Value);
        _ = Tasks.Kill(session.LaunchedProcessId!.Value, Signal.SIGKILL);
    }

    [Theory]
    [InlineData(ProgramKind.Count)]
    [InlineData(ProgramKind.Keyed)]
    [InlineData(ProgramKind.Event)]
    public void Signals_that_meet_trampolines_come_all_and_in_order(ProgramKind kind)
    {
        using TargetProcess target = TargetProcess.StartTarget("signals", "blind");
        target.Ask("rt 10");
        using UprobeSession session = Attach(target);
        foreach (string command in new[] { "rt 3000", "timer 3000", "itimer 1500", "prof 200" })
        {
            using KindRun run = new(kind, 1);
            RegistrationResult result = session.RegisterAll([InlineKit.Count(run.Run, 0, ProbePoint.At("signals", "work"))]);
            Assert.Empty(result.Refusals);
            AssertUntraced(target.Pid);
            target.Send(command);
            string calls = target.WaitForLine("calls ", TimeSpan.FromSeconds(60));
            Assert.Equal("result 0", target.WaitForLine("result "));
            Assert.Equal(calls, $"calls {run.Total()}");
            target.Send("timer 2000");
            session.UnregisterAll(result.Registrations);
            Assert.Equal("result 0", target.WaitForLine("result ", TimeSpan.FromSeconds(60)));
        }

        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal("0", target.Ask("rt 100"));
        Assert.Equal([], _notices);
    }

    [Fact]
    public void Handlers_that_leap_out_of_trampolines_do_no_harm()
    {
        using TargetProcess target = TargetProcess.StartTarget("tremor");
        target.Ask("crowd 500 5");
        using UprobeSession session = Attach(target);
        using LiveAggregate<long> count = session.Entry(Targets.Path("tremor"), "work").Count();
        target.Ask("leap 2000", TimeSpan.FromSeconds(60)); // Its handler sees where it was.
        Assert.True(count.Value > 0);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal("0", target.Ask("storm 5000 100"));
    }

    [Fact]
    public void Where_the_program_handles_faults_nothing_that_can_fault_is_displaced()
    {
        using TargetProcess target = TargetProcess.StartTarget("tremor");
        target.Ask("crowd 500 5");
        string tremor = Targets.Path("tremor");
        using UprobeSession session = Attach(target);
        using LiveAggregate<long> load = session.Entry(tremor, "t_load").Count();
        using LiveAggregate<long> work = session.Entry(tremor, "work").Count();
        Assert.Equal(2, session.InlineSites);
        target.Ask("fault 0"); // Installs the handler.
        Eventually.Holds(() => session.InlineSites == 1 && IsUntraced(target.Pid), "the load is taken out");
        Assert.Contains(_notices, n => n.Contains("t_load", StringComparison.Ordinal) && n.Contains("faults", StringComparison.Ordinal));
        Assert.Equal("0", target.Ask("fault 300"));
        ProbeRefusedException refused = Assert.Throws<ProbeRefusedException>(() => session.Entry(tremor, "t_store").Count());
        Assert.Contains("faults", refused.Message, StringComparison.Ordinal);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
    }

    [Fact]
    public void A_handler_of_faults_that_comes_while_something_else_is_armed_is_seen_too()
    {
        using TargetProcess target = TargetProcess.StartTarget("tremor");
        target.Ask("crowd 500 5");
        string tremor = Targets.Path("tremor");
        using UprobeSession session = Attach(target, new SessionOptions { LookInterval = TimeSpan.FromSeconds(5) });
        using LiveAggregate<long> load = session.Entry(tremor, "t_load").Count();
        target.Ask("fault 0"); // Installs the handler.
        using LiveAggregate<long> work = session.Entry(tremor, "work").Count(); // The tracer comes and goes, and has not looked yet.
        Eventually.Holds(() => session.InlineSites == 1 && IsUntraced(target.Pid), "the load is taken out");
        Assert.Contains(_notices, n => n.Contains("t_load", StringComparison.Ordinal) && n.Contains("faults", StringComparison.Ordinal));
        Assert.Equal("0", target.Ask("fault 300"));
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
    }

    [Fact]
    public void A_library_that_is_loaded_while_a_debugger_has_the_process_is_probed_afterwards()
    {
        const string Strace = "/usr/bin/strace";
        Assert.SkipUnless(File.Exists(Strace), $"{Strace} is missing");
        using TargetProcess target = TargetProcess.StartTarget("dl");
        using UprobeSession session = Attach(target);
        using LiveAggregate<long> count = session.Entry(Targets.Path("libplug.so"), "plug_work").Count();
        using (TargetProcess strace = TargetProcess.Start(Strace, "-f", "-p", $"{target.Pid}"))
        {
            strace.WaitForErrorLine($"{Strace}: Process {target.Pid} attached");
            target.Ask("open 0");
            Eventually.Holds(HasNotice, "the library was seen");
            strace.Signal(Signal.SIGINT);
            strace.WaitForExit();
        }

        Eventually.Holds(() => session.InlineSites == 1, "the library is probed");
        target.Ask("call 100");
        Assert.Equal(100, count.Value);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);

        bool HasNotice()
        {
            lock (_notices)
                return _notices.Exists(n => n.Contains("strace", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(ProgramKind.Count, "go 50", "panics 50", "collect 20000")]
    [InlineData(ProgramKind.Event, "go 50", "panics 50", "collect 5000")]
    public void Programs_that_preempt_their_threads_by_signals_are_counted_exactly(ProgramKind kind, params string[] commands)
    {
        using TargetProcess target = TargetProcess.StartTarget("gopher");
        using UprobeSession session = Attach(target);
        using LifeRun run = new(kind);
        Assert.Empty(session.RegisterAll([run.At("gopher", "main.work")]).Refusals);
        foreach (string command in commands)
        {
            ulong before = run.Total(), calls = ulong.Parse(target.Ask(command, TimeSpan.FromSeconds(60)), CultureInfo.InvariantCulture);
            Assert.Equal(before + calls, run.Total());
        }

        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal(0, target.Quit().Code);
        // The stacks of its signals lie in memory with other stacks: what handlers have left there looks as if one were to return.
        Assert.DoesNotContain(_notices, n => !n.Contains("stays mapped", StringComparison.Ordinal));
    }

    [Fact]
    public void Events_name_the_threads_that_live()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = Attach(target);
        using KindRun run = new(ProgramKind.Event, 1);
        Assert.Empty(session.RegisterAll([InlineKit.Count(run.Run, 0, ProbePoint.At("threads", "work"))]).Refusals);
        target.Ask("go 2 100");
        target.Ask("spin 2"); // The C library gives them the stacks of those that have ended.
        string[] live = [.. Directory.EnumerateDirectories($"/proc/{target.Pid}/task").Select(t => Path.GetFileName(t)!)];
        Eventually.Holds(() =>
        {
            run.Hits();
            run.Threads.Clear();
            run.Hits();
            return run.Threads.Count > 0 && run.Threads.All(t => live.Contains($"{t}"));
        }, "events have the names of new threads");
        target.Ask("stop");
    }

    [Fact]
    public void What_needs_a_tracer_is_refused()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        Assert.Throws<ArgumentException>(() => UprobeSession.Attach(target.Pid, new SessionOptions { Presence = TracerPresence.Detached, Engine = ProbeEngine.Trap }));
        using UprobeSession session = Attach(target);
        ProbePoint work = ProbePoint.At(Targets.Path("threads"), "work");
        ProbeRefusedException handler = Assert.Throws<ProbeRefusedException>(() => session.Register(work, new ProbeHandlers { Pre = _ => { } }));
        Assert.Contains("breakpoint", handler.Message, StringComparison.Ordinal);
        ProbeRefusedException calls = Assert.Throws<ProbeRefusedException>(() => session.Calls(Targets.Path("threads"), "work").Count());
        Assert.Contains("attached", calls.Message, StringComparison.Ordinal);
        AssertUntraced(target.Pid);
        TextComparison.AssertSame(target.Pid);
    }

    private static SessionOptions Options(SessionOptions? options = null) => (options ?? new SessionOptions()) with { Presence = TracerPresence.Detached };

    private UprobeSession Attach(TargetProcess target, SessionOptions? options = null)
    {
        UprobeSession session = UprobeSession.Attach(target.Pid, Options(options) with { Step = step => _returns += step == "returned" ? 1 : 0 });
        Listen(session);
        return session;
    }

    private void Listen(UprobeSession session) => session.Notice += notice =>
    {
        if (notice.Kind == NoticeKind.WriteGuard)
            return;
        lock (_notices)
            _notices.Add(notice.Message);
    };

    private static bool IsUntraced(int pid) => Directory.EnumerateDirectories($"/proc/{pid}/task").All(t => File.ReadAllText($"{t}/status").Contains("TracerPid:\t0\n", StringComparison.Ordinal));

    private static void AssertUntraced(int pid) => Assert.True(IsUntraced(pid));

    private static string Caught(int pid) => File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith("SigCgt:", StringComparison.Ordinal))[7..].Trim();
}
