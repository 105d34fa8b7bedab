using System.Diagnostics;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Following;

/// <summary>A program that traces has children of its own, which are none of the session's business.</summary>
public sealed class OwnChildrenTests
{
    private const int Rounds = 50;

    [Fact]
    public async Task A_busy_session_does_not_take_the_ends_of_other_children()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        long hits = 0;
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            session.Register(ProbePoint.At(Targets.Path("calls-pie"), "nothing"), new ProbeHandlers { Pre = _ => Interlocked.Increment(ref hits) });
            using CancellationTokenSource enough = new();
            Task calls = Task.Run(
                () =>
                {
                    while (!enough.IsCancellationRequested)
                        target.Ask("nothing 500");
                },
                TestContext.Current.CancellationToken);
            for (int round = 0; round < Rounds; round++)
            {
                long before = Interlocked.Read(ref hits);
                using Process child = Process.Start("/bin/sh", ["-c", "exit 7"]);
                await child.WaitForExitAsync(TestContext.Current.CancellationToken);
                Assert.Equal(7, child.ExitCode);
                Assert.True(SpinWait.SpinUntil(() => Interlocked.Read(ref hits) > before, TimeSpan.FromSeconds(30)), "no more hits");
            }

            await enough.CancelAsync();
            await calls;
        }

        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }
}
