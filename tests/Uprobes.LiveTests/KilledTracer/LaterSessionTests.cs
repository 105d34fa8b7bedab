using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Life;

namespace Uprobes.LiveTests.KilledTracer;

/// <summary>A session on a process whose former tracer was killed (traps H11).</summary>
public sealed class LaterSessionTests
{
    [Theory]
    [InlineData("p")]
    [InlineData("or")]
    public void A_later_session_counts_hits_and_leaves_the_process_as_it_found_it(string handlers)
    {
        using ProbedTarget target = new("threads", "spin 2");
        ProcessSnapshot first = ProcessSnapshot.Take(target.Process.Pid);
        using (HostProcess host = target.Trace("arm", handlers, target.Point("work")))
        {
            host.ReadNumber("armed");
            host.Kill();
            host.Process.WaitForExit();
        }

        target.AssertLeftAlone("under hits");
        ProcessSnapshot before = ProcessSnapshot.Take(target.Process.Pid);
        Assert.NotEqual(first.Caught, before.Caught); // The handler of the killed one.
        for (int session = 0; session < 2; session++)
        {
            using HostProcess host = target.Trace("arm", handlers, target.Point("work"));
            host.ReadNumber("armed");
            int hits = 0;
            while (hits == 0)
            {
                host.Process.StandardInput.WriteLine("hits");
                hits = host.ReadNumber("hits");
            }

            host.Process.StandardInput.WriteLine("quit");
            host.ReadNumber("gone");
            host.Process.WaitForExit();
            TextComparison.AssertSame(target.Process.Pid);
            Assert.Empty(ProcessSnapshot.Take(target.Process.Pid).DifferencesFrom(before));
        }

        target.Process.Ask("stop");
        Assert.Equal(0, target.Process.Quit().Code);
    }
}
