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

    [Fact]
    public void What_is_mapped_there_since_is_left_alone()
    {
        using ProbedTarget target = new(Target, "semaphore");
        target.Process.WaitForLine("result 0");
        using HostProcess host = target.Trace("arm", "p", $"usdt:{target.Point("guarded")}");
        host.ReadNumber("armed");
        Assert.Equal("1", target.Process.Ask("anew"));
        host.Kill();
        target.AssertLeftAlone("after its data was mapped anew");
        Assert.Equal("1", target.Process.Ask("semaphore"));
        target.Process.QuitsWell();
    }

    [Fact]
    public void Each_of_many_semaphores_is_given_back_in_its_own_process()
    {
        ProbedTarget[] targets = [.. Enumerable.Range(0, 3).Select(_ => new ProbedTarget(Target, "open"))];
        try
        {
            foreach (ProbedTarget target in targets)
                target.Process.WaitForLine("result 1");
            HostProcess[] hosts = [.. targets.Select(t => t.Trace("arm", "p", $"usdt:{t.Point("guarded")}", $"usdt:{t.Point("shared")}", $"usdt:{Targets.Path("libmarked.so")}:guarded"))];
            foreach (HostProcess host in hosts)
                host.ReadNumber("armed");
            Assert.All(targets, t => Assert.Equal(("1", "1"), (t.Process.Ask("semaphore"), t.Process.Ask("libsemaphore"))));
            foreach (HostProcess host in hosts)
            {
                host.Kill();
                host.Dispose();
            }

            foreach (ProbedTarget target in targets)
            {
                target.AssertLeftAlone("with several semaphores");
                Assert.Equal(("0", "0", "0"), (target.Process.Ask("semaphore"), target.Process.Ask("libsemaphore"), target.Process.Ask("share")));
                target.Process.QuitsWell();
            }
        }
        finally
        {
            foreach (ProbedTarget target in targets)
                target.Dispose();
        }
    }
}
