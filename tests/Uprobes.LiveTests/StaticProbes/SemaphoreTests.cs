using Uprobes.LiveTests.Following;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.StaticProbes;

/// <summary>Semaphores: programs come by some static probes only while a counter is above 0, which is exactly while somebody probes them.</summary>
public sealed class SemaphoreTests : IDisposable
{
    private const string Target = "marked";
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Theory]
    [InlineData(ProbeEngine.Trap)]
    [InlineData(ProbeEngine.Auto)]
    public void A_semaphore_is_one_higher_while_its_probes_are_armed(ProbeEngine engine)
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        Assert.Equal("1", target.Ask("raise"));
        using (UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { Engine = engine }))
        {
            Notices notices = session.Listen();
            using (LiveAggregate<long> count = session.Instruction(session.StaticProbes(Targets.Path(Target), "guarded")).Count())
            {
                Assert.Empty(count.Refusals);
                Assert.Equal(engine == ProbeEngine.Trap ? 0 : 1, session.InlineSites);
                Assert.Equal("2", target.Ask("semaphore"));
                using (ProbeRegistration second = Count(session, "guarded"))
                {
                    Assert.Equal("2", target.Ask("semaphore"));
                    Assert.Equal("7", target.Ask("guarded 7"));
                    Assert.Equal(7, second.Hits);
                }

                Assert.Equal("2", target.Ask("semaphore"));
                Assert.Equal("3", target.Ask("guarded 3"));
                Assert.Equal(10, count.Value);
            }

            Assert.Equal("1", target.Ask("semaphore"));
            notices.AssertNone();
        }

        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
    }

    [Fact]
    public void Probes_that_share_a_semaphore_count_it_once_and_a_plain_probe_there_not_at_all()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        IReadOnlyList<ProbePoint> shared = session.StaticProbes(Targets.Path(Target), "shared", "app");
        Assert.Equal(2, shared.Count);
        ProbeRegistration first = session.Register(shared[0], new ProbeHandlers()), second = session.Register(shared[1], new ProbeHandlers());
        using ProbeRegistration plain = session.Register(ProbePoint.At(Targets.Path(Target), shared[0].Offset!.Value), new ProbeHandlers());
        Assert.Equal("1", target.Ask("share"));
        second.Dispose();
        Assert.Equal("1", target.Ask("share"));
        first.Dispose();
        Assert.Equal("0", target.Ask("share"));
        Assert.Equal((2, 1, 2), (first.Hits, second.Hits, plain.Hits));
        target.QuitsWell();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Children_that_are_followed_have_one_and_others_none(bool follows)
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { FollowForks = follows });
        ProbeRegistration guarded = Count(session, "guarded");
        Assert.Equal(follows ? "10" : "0", target.Ask("fork 10"));
        Assert.Equal(follows ? 10 : 0, guarded.Hits);
        target.Ask("keep");
        Assert.Equal(follows ? "1" : "0", target.Ask("child"));
        Assert.Equal("1", target.Ask("semaphore"));
        session.Dispose();
        Assert.Equal("0", target.Ask("child"));
        Assert.Equal("0", target.Ask("semaphore"));
        target.Ask("end");
        target.QuitsWell();
    }

    [Fact]
    public void A_library_that_is_loaded_later_has_its_semaphore_counted_before_its_code_runs()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        ProbeRegistration guarded = session.Register(session.StaticProbes(Targets.Path("libmarked.so"), "guarded").Single(), new ProbeHandlers());
        for (int round = 1; round <= 3; round++)
        {
            target.Ask("open"); // Its constructor comes by the probe once.
            Assert.Equal("1", target.Ask("libsemaphore"));
            Assert.Equal("4", target.Ask("lib 4"));
            Assert.Equal(5 * round, guarded.Hits);
            target.Ask("close");
        }

        target.Ask("open");
        guarded.Dispose();
        Assert.Equal("0", target.Ask("libsemaphore"));
        Assert.Equal("0", target.Ask("lib 4"));
        target.QuitsWell();
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    public void A_semaphore_whose_memory_never_comes_is_told_of_once(int maps)
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        ProbeRegistration guarded = session.Register(session.StaticProbes(Targets.Path("libmarked.so"), "guarded").Single(), new ProbeHandlers());
        target.Ask("text");
        target.Ask($"maps {maps}");
        target.Ask("open"); // Its own semaphore is another.
        Assert.Equal("1", target.Ask("libsemaphore"));
        guarded.Dispose();
        Assert.Equal("0", target.Ask("libsemaphore"));
        session.Dispose();
        Assert.Contains("could not be counted up, since that part of its file is not mapped there", Assert.Single(notices.Of(NoticeKind.Tracee)).Message, StringComparison.Ordinal);
        target.QuitsWell();
    }

    [Fact]
    public void A_program_that_executes_itself_anew_is_counted_anew()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        ProbeRegistration guarded = Count(session, "guarded");
        Assert.Equal("1", target.Ask("semaphore"));
        target.Send("exec");
        target.WaitForLine("ready ");
        Assert.Equal("1", target.Ask("semaphore"));
        Assert.Equal("3", target.Ask("guarded 3"));
        Assert.Equal(3, guarded.Hits);
        session.Dispose();
        Assert.Equal("0", target.Ask("semaphore"));
        target.QuitsWell();
    }

    [Fact]
    public void A_detached_tracer_counts_up_and_down_and_finds_the_children()
    {
        using TargetProcess target = TargetProcess.StartTarget(Target);
        UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { Presence = TracerPresence.Detached });
        using (LiveAggregate<long> count = session.Instruction(session.StaticProbes(Targets.Path(Target), "guarded")).Count())
        {
            Assert.Empty(count.Refusals);
            Assert.Equal("1", target.Ask("semaphore"));
            target.Ask("guarded 5");
            Assert.Equal(5, count.Value);
            target.Ask("keep");
        }

        Assert.Equal("0", target.Ask("semaphore"));
        session.Dispose();
        Assert.Equal("0", target.Ask("child"));
        target.Ask("end");
        target.QuitsWell();
    }

    private static ProbeRegistration Count(UprobeSession session, string name) =>
        session.Register(session.StaticProbes(Targets.Path(Target), name).Single(), new ProbeHandlers());
}
