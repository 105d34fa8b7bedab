using System.Diagnostics;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Life;

namespace Uprobes.LiveTests.KilledTracer;

/// <summary>Tracers are killed at random moments, over and over, while their target computes (traps T1, T2).</summary>
[TestLimit(300)]
public sealed class RandomKillTests
{
    private readonly Random _random = new();

    [Theory]
    [InlineData("p", 15)]
    [InlineData("or", 15)]
    public void Killing_a_tracer_under_hits_leaves_the_right_result(string handlers, int rounds)
    {
        using ProbedTarget target = new("selfcheck", "until");
        for (int round = 0; round < rounds; round++)
            Kill(target, "arm", "armed", handlers, target.Point("step"));
        target.AssertRight();
    }

    [Theory]
    [InlineData("p", 15)]
    [InlineData("por", 15)]
    public void Killing_a_tracer_that_attaches_arms_removes_and_detaches_leaves_the_right_result(string handlers, int rounds)
    {
        using ProbedTarget target = new("selfcheck", "until");
        for (int round = 0; round < rounds; round++)
            Kill(target, "cycle", "cycle", handlers, target.Point("step"));
        target.AssertRight();
    }

    [Fact]
    public void Killing_a_tracer_that_arms_and_removes_hundreds_of_probes_in_threads_loses_no_call()
    {
        using ProbedTarget target = new("threads", "spin 4");
        for (int round = 0; round < 15; round++)
            Kill(target, "cycle", "cycle", "p", "libc:s*", "libc:m*", target.Point("work"));
        target.Process.Ask("stop");
        Assert.Equal(0, target.Process.Quit().Code);
    }

    [Fact]
    public void Killing_a_tracer_while_signals_arrive_takes_no_signal_from_the_target()
    {
        using ProbedTarget target = new("signals", "timer 30000");
        for (int round = 0; round < 10; round++)
            Kill(target, "arm", "armed", "or", target.Point("work"));
        // How often a handler saw an address in a slot: until the text is restored threads pass through slots with nobody to hide it.
        string seen = target.Process.WaitForLine("result ", TimeSpan.FromSeconds(120));
        TestContext.Current.TestOutputHelper?.WriteLine(seen);
        Assert.Equal(0, target.Process.Quit().Code);
    }

    // Children of posix_spawn, system and popen are not among them: docs/killed-tracer.md says why.
    [Theory]
    [InlineData("spawner", "vfork")]
    [InlineData("forker", "fork")]
    public void Killing_a_tracer_of_a_program_that_starts_others_leaves_all_their_results_right(string name, string verb)
    {
        const int Children = 400;
        string expected;
        using (TargetProcess alone = TargetProcess.StartTarget(name))
            expected = alone.Ask($"{verb} {Children}", TimeSpan.FromSeconds(60));
        using TargetProcess target = TargetProcess.StartTarget(name);
        for (int round = 0; round < 8; round++)
        {
            using HostProcess host = HostProcess.Start("arm", $"{target.Pid}", "pr", $"{Targets.Path(name)}:child_work", "libc:mem*");
            host.ReadNumber("armed");
            target.Send($"{verb} {Children}");
            Wait(TimeSpan.FromMilliseconds(_random.Next(200)));
            host.Kill();
            string result = target.WaitForLine("result ", TimeSpan.FromSeconds(60))["result ".Length..];
            Assert.True(result == expected, $"round {round}: {target.Errors}");
            host.Process.WaitForExit();
            Assert.True(SpinWait.SpinUntil(() => TextComparison.Compare(target.Pid).Count == 0, TimeSpan.FromSeconds(30)));
        }

        Assert.Equal(0, target.Quit().Code);
    }

    private void Kill(ProbedTarget target, string verb, string word, string handlers, params string[] points)
    {
        using HostProcess host = target.Trace(verb, handlers, points);
        host.ReadNumber(word);
        TimeSpan after = TimeSpan.FromMicroseconds(_random.Next(40_000));
        Wait(after);
        host.Kill();
        host.Process.WaitForExit();
        target.AssertLeftAlone($"{after.TotalMilliseconds} ms after the first \"{word}\"");
    }

    /// <summary>The moment of the kill is what is random here; nothing is awaited.</summary>
    private static void Wait(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        SpinWait.SpinUntil(() => Stopwatch.GetElapsedTime(start) >= time);
    }
}
