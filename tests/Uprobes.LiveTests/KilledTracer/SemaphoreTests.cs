using Uprobes.LiveTests.Following;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Life;

namespace Uprobes.LiveTests.KilledTracer;

/// <summary>A killed tracer's guardian gives back what a semaphore of a static probe was counted up by, and never more.</summary>
public sealed class SemaphoreTests
{
    private const string Target = "marked";

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Whenever_the_tracer_is_killed_the_count_is_given_back_and_no_other(int others)
    {
        using ProbedTarget target = new(Target, "spin");
        target.Process.WaitForLine("result ");
        for (int i = 0; i < others; i++)
            target.Process.Ask("raise");
        foreach (string step in (string[])["semaphore entered", "semaphore raised", "breakpoint written", "semaphore leaving", "semaphore lowered"])
        {
            using HostProcess host = target.Trace("steps", "p", $"{step}:1", $"usdt:{target.Point("guarded")}");
            Assert.True(host.AwaitKill(), step);
            target.AssertLeftAlone($"after \"{step}\"");
            Assert.Equal((step, $"{others}"), (step, target.Process.Ask("semaphore")));
        }

        target.Process.Ask("stop");
        target.Process.QuitsWell();
    }
}
