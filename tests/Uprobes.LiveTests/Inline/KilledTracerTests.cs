using System.Diagnostics;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Life;
using Uprobes.LiveTests.WriteGuards;

namespace Uprobes.LiveTests.Inline;

/// <summary>
/// Tracers are killed while they arm, switch and disarm programs in targets that check themselves, with threads and signals (rule 2). Each
/// tracer has several targets and meets each of them at a moment of its own. UPROBES_KILLS says how many tracers are killed at random.
/// </summary>
[TestLimit(1800)]
public sealed class KilledTracerTests(ITestOutputHelper output)
{
    private const int TargetsAtOnce = 4;
    private static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("UPROBES_KILLS") ?? "10", provider: null);
    private static readonly string[] Points = [$"{Targets.Path("hitters")}:hit_*"];
    private const string Computation = """
        import select, sys
        def once():
            d = {}
            for i in range(3000): d.setdefault(str(i * 7919 % 977), []).append(i * i * 10**18)
            return sum(len(k) * sum(v) for k, v in sorted(d.items())), bytes(d['7'][0] % 256 for k in range(50))
        first, n = once(), 0
        print('ready', flush=True)
        while not select.select([sys.stdin], [], [], 0)[0]:
            assert once() == first
            n += 1
        print('right', n, flush=True)
        """;

    private readonly Random _random = new();

    [Fact]
    public void Whatever_step_is_a_tracers_last_its_targets_go_on_right()
    {
        Dictionary<string, int> steps = Count();
        output.WriteLine(string.Join(' ', steps.Select(s => $"{s.Key}: {s.Value};")));
        Assert.Contains("patches written", steps.Keys);
        Assert.Contains("patches taken out", steps.Keys);
        foreach ((string step, int count) in steps)
        {
            foreach (int time in new[] { 1, Math.Max(2, count / 2) })
                Kill($"{step}:{time}", null);
        }
    }

    [Fact]
    public void Whatever_step_is_the_last_of_a_tracer_that_does_not_stay_its_targets_go_on_right()
    {
        Dictionary<string, int> steps = Count("detached");
        output.WriteLine(string.Join(' ', steps.Select(s => $"{s.Key}: {s.Value};")));
        Assert.Contains("returned", steps.Keys);
        Assert.Contains("left", steps.Keys);
        foreach ((string step, int count) in steps)
        {
            foreach (int time in new[] { 1, Math.Max(2, count / 2) })
                Kill($"{step}:{time}", null, "detached");
        }
    }

    [Fact]
    public void Tracers_that_do_not_stay_are_killed_at_random_moments()
    {
        for (int round = 0; round < Kills; round++)
            Kill("none:0", TimeSpan.FromMicroseconds(_random.Next(300_000)), "detached");
    }

    [Fact]
    public void Killed_at_random_steps_they_go_on_right()
    {
        int all = Count().Values.Sum();
        for (int round = 0; round < Kills; round++)
            Kill($"*:{1 + _random.Next(all * TargetsAtOnce)}", null);
    }

    [Fact]
    public void Killed_at_random_moments_they_go_on_right()
    {
        for (int round = 0; round < Kills; round++)
            Kill("none:0", TimeSpan.FromMicroseconds(_random.Next(300_000)));
    }

    [Fact]
    public void A_later_tracer_takes_out_what_a_killed_one_has_left()
    {
        using Hitters target = new(threads: 4);
        using HostProcess host = HostProcess.Start(["inline", $"{target.Process.Pid}", "patches written:1", "1", .. Points]);
        Assert.True(host.AwaitKill());
        Assert.NotEmpty(TextComparison.Compare(target.Process.Pid));
        List<SessionNotice> notices = [];
        LookAgain(target, "patches written", notices);
        Assert.Contains(notices, n => n.Message.Contains("killed", StringComparison.Ordinal));
        LookAgain(target, "looked at twice", notices);
        target.AssertRight();
    }

    [Fact]
    public void Python_goes_on_right_when_tracers_of_its_functions_are_killed()
    {
        const string Python = "/usr/bin/python3"; // One with its interpreter in the program itself.
        Assert.SkipUnless(File.Exists(Python), $"{Python} is missing");
        using TargetProcess target = TargetProcess.Start(Python, "-S", "-c", Computation);
        target.WaitForLine("ready");
        string python = new FileInfo($"/proc/{target.Pid}/exe").LinkTarget!;
        for (int round = 0; round < Math.Max(3, Kills / 3); round++)
        {
            using HostProcess host = HostProcess.Start("inline", $"{target.Pid}", "none:0", "0", $"{python}:Py*Dict*", $"{python}:PyLong_*", "libc:*alloc", "libc:mem*");
            Assert.NotNull(host.Process.StandardOutput.ReadLine());
            Wait(TimeSpan.FromMicroseconds(_random.Next(1_000_000)));
            host.Kill();
            host.Process.StandardOutput.ReadToEnd();
            host.Process.WaitForExit();
        }

        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            using LiveAggregate<long> count = session.Entry(python, "PyDict_*").Count();
            Assert.Empty(count.Refusals);
            Eventually.Holds(() => count.Value > 0, "a later session counts");
        }

        TextComparison.AssertSame(target.Pid);
        target.Send("end");
        target.WaitForLine("right ", TimeSpan.FromSeconds(60));
        Assert.Equal(0, target.WaitForExit().Code);
    }

    private static Dictionary<string, int> Count(string verb = "inline")
    {
        using Hitters target = new(threads: 3, tick: 1000);
        using HostProcess host = HostProcess.Start([verb, $"{target.Process.Pid}", "none:0", "1", .. Points]);
        host.ReadLine("cycle");
        string line = host.ReadLine("steps");
        target.AssertRight();
        return line.Split(',').Select(s => s.Split('=')).ToDictionary(s => s[0], s => int.Parse(s[1], provider: null));
    }

    private static void Kill(string step, TimeSpan? after, string verb = "inline")
    {
        List<Hitters> targets = [];
        try
        {
            for (int i = 0; i < TargetsAtOnce; i++)
                targets.Add(new Hitters(threads: 1 + (i % 3), tick: i % 2 == 0 ? 1000 : 0));
            using HostProcess host = HostProcess.Start(
                [verb, string.Join(',', targets.Select(t => t.Process.Pid)), step, after is null ? "3" : "0", .. Points]);
            if (after is { } time)
            {
                Assert.NotNull(host.Process.StandardOutput.ReadLine());
                Wait(time);
                host.Kill();
            }

            host.Process.StandardOutput.ReadToEnd();
            host.Process.WaitForExit();
            foreach (Hitters target in targets)
            {
                target.AssertAlive($"killed at {step} {after}");
                target.Window(20); // Every thread still runs through what was left.
                LookAgain(target, $"killed at {step} {after}");
                target.AssertRight($"killed at {step} {after}");
            }
        }
        finally
        {
            foreach (Hitters target in targets)
                target.Dispose();
        }
    }

    /// <summary>A later tracer probes as if it were the first, and leaves the text as the file has it.</summary>
    private static void LookAgain(Hitters target, string when, List<SessionNotice>? notices = null)
    {
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid);
        session.Notice += notice => notices?.Add(notice);
        using LiveAggregate<long> counts = session.Entry(Targets.Path("hitters"), "hit_*").Where(p => p.Arg(0) != 0).Count();
        Assert.Empty(counts.Refusals);
        long rounds = target.Window(20);
        Assert.True(rounds * (Hitters.Functions.Count() + 1) == counts.Value, $"{when}: {counts.Value} in {rounds} rounds");
        counts.Dispose();
        session.Dispose();
        TextComparison.AssertSame(target.Process.Pid);
    }

    /// <summary>The moment of the kill is what is random; nothing is awaited.</summary>
    private static void Wait(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        SpinWait.SpinUntil(() => Stopwatch.GetElapsedTime(start) >= time);
    }
}
