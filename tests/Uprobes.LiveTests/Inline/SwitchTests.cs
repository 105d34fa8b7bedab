using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.WriteGuards;

namespace Uprobes.LiveTests.Inline;

/// <summary>Probes are switched off and on while they stand (trap I21).</summary>
[TestLimit(120)]
public sealed class SwitchTests : IDisposable
{
    private const int Threads = 8, Rounds = 60;
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Theory]
    [InlineData(ProbeEngine.Inline)]
    [InlineData(ProbeEngine.Trap)]
    public void A_probe_that_is_off_counts_nothing_and_one_that_is_on_counts_all(ProbeEngine engine)
    {
        using Hitters target = new(Threads, tick: 2000);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid, new SessionOptions { Engine = engine });
        using LiveAggregate<long> switched = session.Entry(Targets.Path("hitters"), "hit_long").Where(p => p.Arg(0) != 0).Count();
        using LiveAggregate<long> standing = session.Entry(Targets.Path("hitters"), "hit_long").Where(p => p.Arg(0) != 0).Count();
        Assert.Equal(engine == ProbeEngine.Trap ? 0 : 1, session.InlineSites);
        Assert.True(switched.IsEnabled);
        TimeSpan pause = session.LongestPause;
        (long wanted, long all) = (0, 0);
        for (int round = 0; round < Rounds; round++)
        {
            switched.IsEnabled = round % 2 == 1;
            Assert.Equal(round % 2 == 1, switched.IsEnabled);
            long made = target.Window(engine == ProbeEngine.Trap ? 5 : 200);
            all += made;
            wanted += round % 2 == 1 ? made : 0;
            Assert.Equal((wanted, all), (switched.Value, standing.Value));
        }

        if (engine == ProbeEngine.Inline)
            Assert.Equal(pause, session.LongestPause);
        session.Dispose();
        TextComparison.AssertSame(target.Process.Pid);
        target.AssertRight();
    }

    [Theory]
    [InlineData(ProbeEngine.Inline)]
    [InlineData(ProbeEngine.Trap)]
    public async Task Events_of_calls_come_only_while_they_are_on(ProbeEngine engine)
    {
        using Hitters target = new(Threads, tick: 2000);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid, new SessionOptions { Engine = engine });
        using LiveEvents<ulong> events = session.Calls(Targets.Path("hitters"), "hit_short").Where(c => c.Arg(0) != 0).Select(c => c.Arg(0)).Start();
        await using IAsyncEnumerator<ulong> reader = events.GetAsyncEnumerator(TestContext.Current.CancellationToken);
        for (int round = 0; round < 10; round++)
        {
            events.IsEnabled = false;
            target.Window(5);
            events.IsEnabled = true;
            ulong window = (ulong)(2 * (round + 1));
            for (long wanted = target.Window(5); wanted > 0; wanted--)
            {
                Assert.True(await reader.MoveNextAsync());
                Assert.Equal(window, reader.Current);
            }
        }

        Assert.Equal(0, events.Losses.Events);
    }

    [Fact]
    public void Switching_thousands_of_times_stops_nobody_and_tears_nothing()
    {
        using Hitters target = new(Threads, tick: 2000);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid);
        using LiveAggregate<long> switched = session.Entry(Targets.Path("hitters"), "hit_*").Where(p => p.Arg(0) != 0).Count();
        using LiveAggregate<long> standing = session.Entry(Targets.Path("hitters"), "hit_*").Where(p => p.Arg(0) == 0).Count();
        TimeSpan pause = session.LongestPause;
        long before = standing.Value;
        for (int time = 0; time < 5_000; time++)
            switched.IsEnabled = time % 2 == 0;
        Assert.Equal(pause, session.LongestPause);
        Assert.Equal(0, switched.Value);
        Eventually.Holds(() => standing.Value > before, "the other one counted on");
        switched.IsEnabled = true;
        Assert.Equal(target.Window(100) * (Hitters.Functions.Count() + 1), switched.Value);
        target.AssertRight();
    }

    [Fact]
    public void A_handler_is_switched_in_the_same_way()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        int calls = 0, returns = 0;
        using ProbeRegistration entry = session.Register(ProbePoint.At("threads", "work"), new ProbeHandlers { Pre = _ => calls++ });
        using ProbeRegistration call = session.RegisterReturn(ProbePoint.At("threads", "work"), new ReturnHandlers { Return = _ => returns++ });
        for (int round = 0; round < 20; round++)
        {
            session.SetEnabled([entry, call], round % 4 < 2);
            call.IsEnabled = round % 4 == 0;
            target.Ask("go 1 10");
        }

        Assert.Equal((100, 50), (calls, returns));
        Assert.Equal((100, 50), (entry.Hits, call.Hits));
    }

    [Fact]
    public void A_probe_that_is_off_stays_off_in_a_process_that_starts_later_and_may_be_switched_when_it_is_gone()
    {
        using TargetProcess target = TargetProcess.StartTarget("forker");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        LiveAggregate<long> count = session.Entry(Targets.Path("forker"), "child_work").Count();
        count.IsEnabled = false;
        target.Ask("fork 5");
        Assert.Equal(0, count.Value);
        count.IsEnabled = true;
        target.Ask("fork 5");
        Assert.NotEqual(0, count.Value);
        count.Dispose();
        count.IsEnabled = false;
        session.Dispose();
        count.IsEnabled = true;
    }
}
