using System.Globalization;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests;

/// <summary>The kit that all live tests stand on.</summary>
public sealed class KitTests
{
    private const int SIGTERM = 15, SIGKILL = 9;

    [Theory]
    [InlineData("calls-pie")]
    [InlineData("calls-nopie")]
    [InlineData("calls-static")]
    [InlineData("calls-static-pie")]
    [InlineData("calls-stripped")]
    [InlineData("calls-O2")]
    [InlineData("calls-musl")]
    public void Every_build_of_a_target_gives_the_same_checksum(string name)
    {
        using TargetProcess target = TargetProcess.StartTarget(name);
        Assert.Equal("9267778341211136834", target.Ask("go 10"));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Theory]
    [InlineData("threads", "go 4 1000", "4000")]
    [InlineData("threads", "births 20", "20")]
    [InlineData("forker", "fork 3", "1254088669155913007")]
    [InlineData("forker", "thread 3", "1254088669155913007")]
    [InlineData("spawner", "vfork 3", "2341270961751480513")]
    [InlineData("spawner", "spawn 3", "2341270961751480513")]
    [InlineData("dl", "cycle 3", "15972328174154767995")]
    [InlineData("mapper", "second 3", "3733548962767800873")]
    [InlineData("mapper", "dontneed 3", "3733548962767800873")]
    [InlineData("throw", "go 10", "2343322214936505194")]
    [InlineData("jumps", "go 3", "5875531174072096180")]
    [InlineData("tail", "go 100", "10245812508385345018")]
    [InlineData("signals", "timer 200", "0")]
    [InlineData("signals", "rt 500", "0")]
    [InlineData("faults", "go 3", "0")]
    [InlineData("interrupted", "go 200", "0")]
    [InlineData("selftext", "hash", "0")]
    [InlineData("insns", "go 3", "0")]
    [InlineData("insns-nopie", "go 3", "0")]
    [InlineData("smallstack", "go 5", "0")]
    [InlineData("seccomp", "go 5", "3615968802080966573")]
    public void A_target_that_nobody_probes_is_right(string name, string command, string result)
    {
        using TargetProcess target = TargetProcess.StartTarget(name);
        Assert.Equal(result, target.Ask(command));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Theory]
    [InlineData("default", "state default blocked 0 own 0 wrong 0 usr1 0")]
    [InlineData("default-blocked", "state default blocked 1 own 0 wrong 0 usr1 1")]
    [InlineData("ignored", "state ignored blocked 0 own 0 wrong 0 usr1 0")]
    [InlineData("ignored-blocked", "state ignored blocked 1 own 0 wrong 0 usr1 1")]
    [InlineData("handler", "state handler blocked 0 own 0 wrong 0 usr1 0")]
    [InlineData("handler-blocked", "state handler blocked 1 own 0 wrong 0 usr1 1")]
    public void The_sigtrap_target_keeps_its_disposition(string mode, string state)
    {
        using TargetProcess target = TargetProcess.StartTarget("sigtrap", mode);
        target.Send("go 3");
        Assert.Equal(state, target.WaitForLine("state "));
    }

    [Fact]
    public void Disposing_a_target_kills_and_reaps_it()
    {
        LeakCheck leaks = new();
        int pid;
        using (TargetProcess target = TargetProcess.StartTarget("calls-pie"))
        {
            pid = target.Pid;
            Assert.True(Directory.Exists($"/proc/{pid}"));
        }

        Assert.False(Directory.Exists($"/proc/{pid}"));
        leaks.AssertNothingLeft();
    }

    [Fact]
    public void A_leak_check_sees_a_descriptor_and_a_thread()
    {
        LeakCheck leaks = new();
        using ManualResetEventSlim release = new();
        using FileStream open = File.OpenRead("/etc/passwd");
        Thread thread = new(() => release.Wait()) { Name = "left over" };
        thread.Start();
        Exception? error = Record.Exception(leaks.AssertNothingLeft);
        release.Set();
        thread.Join();
        Assert.Contains("/etc/passwd", error?.Message, StringComparison.Ordinal);
        Assert.Contains("left over", error?.Message, StringComparison.Ordinal);
        open.Dispose();
        leaks.AssertNothingLeft();
    }

    [Fact]
    public void The_end_by_a_signal_is_told_from_an_exit_code()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        target.Signal(SIGTERM);
        Assert.Equal(new ExitStatus(null, SIGTERM), target.WaitForExit());
        using TargetProcess command = TargetProcess.Start("/bin/sh", "-c", "echo out; echo err >&2; exit 7");
        Assert.Equal(new ExitStatus(7, null), command.WaitForExit());
        Assert.Equal(("out\n", "err\n"), (command.Output, command.Errors));
    }

    [Fact]
    public void A_wait_that_fails_quotes_the_output_so_far()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        target.Ask("go 10");
        InvalidOperationException late = Assert.Throws<InvalidOperationException>(
            () => target.WaitForLine("never", TimeSpan.FromMilliseconds(50)));
        Assert.Contains("result 9267778341211136834", late.Message, StringComparison.Ordinal);
        target.CloseInput();
        Assert.Throws<InvalidOperationException>(() => target.WaitForLine("never"));
    }

    [Fact]
    public void A_target_ends_when_its_tester_is_gone()
    {
        using TargetProcess target = TargetProcess.StartTarget("stopjob");
        target.CloseInput();
        Assert.Equal(new ExitStatus(0, null), target.WaitForExit());
    }

    [Fact]
    public void A_target_starts_with_default_signals_and_an_empty_mask()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        ProcessSnapshot snapshot = ProcessSnapshot.Take(target.Pid);
        Assert.Equal((0UL, 0UL, 0UL), (Mask(snapshot.Blocked), Mask(snapshot.Ignored), Mask(snapshot.Caught)));
        Assert.Equal((1, 0), (snapshot.Threads, snapshot.TracerPid));
        Assert.Equal(3, snapshot.Descriptors.Count);
        static ulong Mask(string text) => ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    [Fact]
    public void A_snapshot_shows_what_changed()
    {
        using TargetProcess target = TargetProcess.StartTarget("mapper");
        target.Ask("go 1");
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        target.Ask("go 1");
        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        target.Ask("keep");
        string difference = Assert.Single(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        Assert.Contains("mapping new", difference, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("calls-pie")]
    [InlineData("calls-static")]
    public void A_changed_byte_of_text_is_found(string name)
    {
        using TargetProcess target = TargetProcess.StartTarget(name);
        target.Ask("go 1"); // From now on it only waits: the byte is one that looks functions up, and it has found all that it calls.
        TextComparison.AssertSame(target.Pid);
        string line = File.ReadAllLines($"/proc/{target.Pid}/maps").First(l => l.Contains("r-xp", StringComparison.Ordinal));
        long low = long.Parse(line[..line.IndexOf('-', StringComparison.Ordinal)], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        using (FileStream memory = new($"/proc/{target.Pid}/mem", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0))
        {
            memory.Position = low + 0x21;
            int old = memory.ReadByte();
            memory.Position = low + 0x21;
            memory.WriteByte((byte)~old);
        }

        TextDifference difference = Assert.Single(TextComparison.Compare(target.Pid));
        Assert.Equal((ulong)low + 0x21, difference.Address);
        Assert.Equal((byte)~difference.InFile, difference.InMemory);
    }

    [Fact]
    public void A_target_runs_as_another_user()
    {
        Require.OtherUser();
        using TargetProcess target = TargetProcess.StartTarget(new StartOptions { User = StartOptions.Nobody }, "calls-pie");
        Assert.StartsWith("65534\t65534", ProcessSnapshot.Status(target.Pid)["Uid"], StringComparison.Ordinal);
        Assert.Equal("9267778341211136834", target.Ask("go 10"));
    }

    [Fact]
    public void The_environment_and_the_folder_of_a_program_are_chosen()
    {
        StartOptions options = new() { Folder = "/usr", Environment = new Dictionary<string, string?> { ["FRUIT"] = "fig", ["HOME"] = null } };
        using TargetProcess shell = TargetProcess.Start(options, "/bin/sh", "-c", "echo $FRUIT ${HOME-none} $(pwd)");
        shell.WaitForExit();
        Assert.Equal("fig none /usr\n", shell.Output);
    }

    [Fact]
    public void A_chain_of_execs_keeps_the_process()
    {
        using TargetProcess target = TargetProcess.StartTarget("execer");
        target.Send("self 3");
        Assert.StartsWith($"image 3 of {target.Pid} ", target.WaitForLine("image 3 "), StringComparison.Ordinal);
        target.WaitForLine("ready ");
        target.Send("thread");
        target.WaitForLine("image 4 ");
        target.WaitForLine($"ready {target.Pid}");
        Assert.Equal("15581277140671713124", target.Ask("go 3"));
    }

    [Fact]
    public void A_stopped_job_makes_no_progress()
    {
        const int SIGSTOP = 19, SIGCONT = 18;
        using TargetProcess target = TargetProcess.StartTarget("stopjob");
        target.Send("progress");
        target.WaitForLine("progress ");
        target.Signal(SIGSTOP);
        Assert.True(SpinWait.SpinUntil(() => ProcessSnapshot.Take(target.Pid).State == 'T', Deadline.Default));
        target.Signal(SIGCONT);
        target.Send("progress");
        target.WaitForLine("progress ");
    }

    [Fact]
    public void The_exit_status_survives_another_waiter()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        target.Signal(SIGKILL);
        Assert.True(SpinWait.SpinUntil(() => target.HasExited, Deadline.Default));
        Assert.SkipUnless(Environment.OSVersion.Version >= new Version(6, 15), "needs Linux 6.15: older kernels forget the status of a reaped process");
        unsafe
        {
            int status;
            Assert.Equal(target.Pid, Native.WaitPid(target.Pid, &status, 0)); // what a tracer in this process may do
        }

        Assert.Equal(new ExitStatus(null, SIGKILL), target.WaitForExit());
    }

    [Fact]
    public void The_workloads_say_the_same_each_time()
    {
        string python = Require.InstalledFile("/usr/bin/python3"), sqlite = Require.InstalledFile("/usr/bin/sqlite3");
        (string Path, string[] Arguments)[] commands =
        [
            (python, [Targets.Script("workload.py")]),
            (sqlite, [":memory:", $".read {Targets.Script("workload.sql")}"]),
            ("/bin/bash", [Targets.Script("workload.sh")]),
        ];
        foreach ((string path, string[] arguments) in commands)
        {
            using TargetProcess first = TargetProcess.Start(path, arguments), second = TargetProcess.Start(path, arguments);
            Assert.Equal((first.WaitForExit(), first.Output, first.Errors), (second.WaitForExit(), second.Output, second.Errors));
            Assert.NotEmpty(first.Output);
            Assert.Empty(first.Errors);
        }
    }

    [Fact]
    public async Task Targets_that_a_session_has_launched_are_killed_with_the_others_and_end_it()
    {
        using UprobeSession session = UprobeSession.Launch("/bin/sleep", ["1000"]);
        session.Start();
        using TargetProcess other = TargetProcess.Start("/bin/sleep", "1000");
        Ledger.KillAll();
        await session.Completion.WaitAsync(Deadline.Default, TestContext.Current.CancellationToken);
        Assert.Equal(128 + 9, session.LaunchedExitCode);
        Assert.Equal(new ExitStatus(null, 9), other.WaitForExit());
    }

    [Fact]
    public void The_command_starts()
    {
        CommandResult result = UprobeCommand.Run("--version");
        Assert.Equal(new ExitStatus(0, null), result.Exit);
        Assert.NotEmpty(result.Output);
    }
}
