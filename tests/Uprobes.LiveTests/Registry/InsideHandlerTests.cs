using System.Text;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Registry;

/// <summary>Handlers may use the session that calls them.</summary>
public sealed class InsideHandlerTests
{
    private static readonly ProbePoint Nothing = ProbePoint.At("calls-pie", "nothing"), Sum7 = ProbePoint.At("calls-pie", "sum7"),
        Sum6 = ProbePoint.At("calls-pie", "sum6");

    [Fact]
    public void A_handler_may_remove_itself()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        ProbeRegistration? registration = null;
        registration = session.Register(Nothing, new ProbeHandlers { Pre = _ => registration!.Dispose() });
        target.Ask("nothing 5");
        Assert.Equal(1, registration.Hits);
        TextComparison.AssertSame(target.Pid);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_handler_may_remove_another_of_its_probe(int removed)
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        StringBuilder trace = new();
        ProbeRegistration[] all = new ProbeRegistration[3];
        for (int i = 0; i < 3; i++)
        {
            int own = i;
            all[i] = session.Register(Nothing, new ProbeHandlers
            {
                Pre = _ =>
                {
                    trace.Append(own);
                    if (own == 1)
                        all[removed].Dispose();
                },
            });
        }

        target.Ask("nothing 2");
        Assert.Equal(removed == 0 ? "01212" : "0101", trace.ToString());
    }

    [Fact]
    public void A_handler_may_remove_another_probe_that_comes_next()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using ProbeRegistration inner = session.Register(Sum6, Count.Only);
        using ProbeRegistration outer = session.Register(Sum7, new ProbeHandlers { Pre = _ => inner.Dispose() });
        target.Ask("sum7 3");
        Assert.Equal((3, 0), (outer.Hits, inner.Hits));
    }

    [Fact]
    public void A_handler_may_register_another_probe_that_comes_next()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        string expected = target.Ask("sum7 3");
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        ProbeRegistration? inner = null;
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            using ProbeRegistration outer = session.Register(Sum7, new ProbeHandlers { Pre = _ => inner ??= session.Register(Sum6, Count.Only) });
            Assert.Equal(expected, target.Ask("sum7 3"));
            Assert.Equal((3, 3), (outer.Hits, inner!.Hits));
        }

        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        TextComparison.AssertSame(target.Pid);
    }

    [Fact]
    public void A_consumer_registered_by_a_handler_of_its_probe_is_called_from_the_next_hit_on()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        ProbeRegistration? inner = null;
        using ProbeRegistration outer = session.Register(Nothing, new ProbeHandlers { Pre = _ => inner ??= session.Register(Nothing, Count.Only) });
        target.Ask("nothing 4");
        Assert.Equal((4, 3), (outer.Hits, inner!.Hits));
    }

    [Fact]
    public void A_refusal_inside_a_handler_is_the_handlers_to_see()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = new(session);
        ProbeRefusedException? refused = null;
        using ProbeRegistration registration = session.Register(Nothing, new ProbeHandlers
        {
            Pre = _ => refused = Assert.Throws<ProbeRefusedException>(() => session.Register(ProbePoint.At("calls-pie", "missing"), Count.Only)),
        });
        target.Ask("nothing 1");
        Assert.Equal(Uprobes.Registry.ProbeRefusalReason.NoSuchSymbol, refused!.Refusal.Reason);
        notices.AssertNone();
    }

    [Fact]
    public void Handlers_may_register_and_remove_while_other_threads_and_processes_hit()
    {
        using TargetProcess one = TargetProcess.StartTarget("threads"), two = TargetProcess.StartTarget("threads");
        one.Ask("spin 3");
        two.Ask("spin 3");
        using (UprobeSession session = UprobeSession.Attach([one.Pid, two.Pid]))
        {
            Notices notices = new(session);
            ProbePoint libc = ProbePoint.At("libc", "getppid"), work = ProbePoint.At("threads", "work");
            int rounds = 0;
            using ManualResetEventSlim done = new();
            using ProbeRegistration driver = session.Register(work, new ProbeHandlers
            {
                Pre = _ =>
                {
                    if (rounds >= 200)
                        return;
                    using ProbeRegistration another = session.Register(libc, Count.Only);
                    using ProbeRegistration same = session.Register(work, Count.Only);
                    if (++rounds == 200)
                        done.Set();
                },
            });
            Assert.True(done.Wait(TimeSpan.FromSeconds(60)), $"only {rounds} rounds");
            driver.Dispose();
            notices.AssertNone();
            TextComparison.AssertSame(one.Pid);
            TextComparison.AssertSame(two.Pid);
        }

        one.Ask("stop");
        two.Ask("stop");
    }
}
