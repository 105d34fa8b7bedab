using Uprobes.Images;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Life;

namespace Uprobes.LiveTests.Inline;

/// <summary>A part of a function that no jump fits on, and that nothing leads to but two branches: these lead to the trampoline.</summary>
[TestLimit(240)]
public sealed class RedirectTests
{
    /// <summary>Where the branches are in hit_divided (ja and jmp), and where their distances begin.</summary>
    private const ulong FirstBranch = 8, SecondBranch = 17, FirstDistance = 10, SecondDistance = 18;

    private static readonly string Program = Targets.Path("hitters");
    private static readonly ulong Divided = OffsetOf("hit_divided");

    [Fact]
    public void Every_way_to_it_is_counted_and_afterwards_all_branches_are_what_they_were()
    {
        using Hitters target = new(threads: 4, tick: 1000);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid);
        using (LiveAggregate<long> counts = Count(session))
        {
            Assert.Equal(1, session.InlineSites);
            AssertRedirected(target);
            Assert.Equal(target.Window(200), counts.Value);
        }

        session.Dispose();
        TextComparison.AssertSame(target.Process.Pid);
        target.AssertRight();
    }

    [Theory]
    [InlineData(TracerPresence.Attached)] // Hides from handlers where programs run.
    [InlineData(TracerPresence.Detached)]
    public void Signals_that_meet_its_trampoline_change_no_answer_and_no_count(TracerPresence presence)
    {
        using Hitters target = new(threads: 0);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid, new SessionOptions { Presence = presence });
        for (int round = 0; round < 3; round++)
        {
            using LiveAggregate<long> counts = Count(session);
            Assert.Equal(1, session.InlineSites);
            AssertRedirected(target);
            (long met, long calls) = presence == TracerPresence.Detached ? Storm(target, 1000) : Storm(target, 50);
            Assert.InRange(met, presence == TracerPresence.Detached ? 1000 : 0, presence == TracerPresence.Detached ? long.MaxValue : 0);
            Assert.Equal(calls, counts.Value);
            target.Process.Send("storm 50");
            counts.Dispose(); // In the middle of it.
            Assert.Equal("result 0", target.Process.WaitForLine("result ", TimeSpan.FromSeconds(60)));
        }

        session.Dispose();
        TextComparison.AssertSame(target.Process.Pid);
        Assert.Equal(0, Storm(target, 10).Met);
    }

    [Theory]
    [InlineData(FirstBranch)]
    [InlineData(SecondBranch)]
    public void A_breakpoint_on_a_branch_takes_the_part_along_to_the_other_engine(ulong branch)
    {
        using Hitters target = new(threads: 3);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid);
        using LiveAggregate<long> counts = Count(session);
        Assert.Equal(1, session.InlineSites);
        long stops = 0;
        using (Stop(session, branch, () => stops++))
        {
            Assert.Equal(0, session.InlineSites);
            Assert.Equal(target.Window(30), counts.Value);
            Assert.InRange(stops, branch == FirstBranch ? counts.Value : 0, counts.Value);
        }

        counts.Dispose();
        session.Dispose();
        TextComparison.AssertSame(target.Process.Pid);
        target.AssertRight();
    }

    [Fact]
    public void Where_a_breakpoint_stands_on_a_branch_already_the_part_gets_one_too()
    {
        using Hitters target = new(threads: 3);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid);
        long stops = 0;
        using ProbeRegistration handler = Stop(session, FirstBranch, () => stops++);
        using LiveAggregate<long> counts = Count(session);
        Assert.Equal(0, session.InlineSites);
        Assert.Equal(target.Window(30), counts.Value);
        Assert.Equal(counts.Value, stops);
    }

    [Fact]
    public void Calls_are_followed_from_it()
    {
        using Hitters target = new(threads: 4);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid);
        using LiveAggregate<long> calls = session.Calls(Program, "hit_part").Where(c => c.Arg(0) != 0).Count();
        Assert.Empty(calls.Refusals);
        Assert.Equal(target.Window(100), calls.Value);
        calls.Dispose();
        session.Dispose();
        TextComparison.AssertSame(target.Process.Pid);
        target.AssertRight();
    }

    [Fact]
    public void A_later_tracer_puts_the_branches_back_that_a_killed_one_has_left()
    {
        using Hitters target = new(threads: 4, tick: 1000);
        using HostProcess host = HostProcess.Start("inline", $"{target.Process.Pid}", "patches written:1", "1", $"{Program}:hit_part");
        Assert.True(host.AwaitKill());
        AssertRedirected(target);
        target.Window(50); // All threads run through what was left.
        List<SessionNotice> notices = [];
        using (UprobeSession session = UprobeSession.Attach(target.Process.Pid))
        {
            session.Notice += notices.Add;
            using LiveAggregate<long> counts = Count(session);
            Assert.Equal(1, session.InlineSites);
            Assert.Equal(target.Window(50), counts.Value);
        }

        Assert.Contains(notices, n => n.Message.Contains("2 patches of a tracer that was killed", StringComparison.Ordinal));
        TextComparison.AssertSame(target.Process.Pid);
        target.AssertRight();
    }

    [Fact]
    public void Children_go_the_same_ways_and_are_counted()
    {
        using Hitters target = new(threads: 2);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid);
        using LiveAggregate<long> counts = Count(session);
        Assert.Equal(1, session.InlineSites);
        Assert.Equal("0", target.Process.Ask("fork 20", TimeSpan.FromSeconds(60)));
        Assert.Equal(20, counts.Value);
        counts.Dispose();
        Assert.Equal("0", target.Process.Ask("fork 3"));
        session.Dispose();
        TextComparison.AssertSame(target.Process.Pid);
        target.AssertRight();
    }

    private static LiveAggregate<long> Count(UprobeSession session)
    {
        LiveAggregate<long> counts = session.Entry(Program, "hit_part").Where(p => p.Arg(0) != 0).Count();
        Assert.Empty(counts.Refusals);
        return counts;
    }

    /// <summary>
    /// Has the target be interrupted until so many signals have met it in a trampoline, or 40 times as many have come. Fails unless all answers were right.
    /// </summary>
    private static (long Met, long Calls) Storm(Hitters target, int wanted)
    {
        target.Process.Send($"storm {wanted}");
        long met = Read("met "), calls = Read("calls ");
        Assert.Equal("result 0", target.Process.WaitForLine("result "));
        return (met, calls);

        long Read(string what) => long.Parse(target.Process.WaitForLine(what, TimeSpan.FromSeconds(60))[what.Length..], System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Handlers run one after the other.</summary>
    private static ProbeRegistration Stop(UprobeSession session, ulong branch, Action inWindow) =>
        session.Register(Hitters.At("hit_divided", branch), new ProbeHandlers
        {
            Pre = hit =>
            {
                if (hit.Registers.Rdi != 0)
                    inWindow();
            },
        });

    /// <summary>The distances of both branches are others, and nothing else of the program is.</summary>
    private static void AssertRedirected(Hitters target)
    {
        ulong[] changed = [.. TextComparison.Compare(target.Process.Pid).Where(d => d.Path == Program).Select(d => (ulong)d.Offset - Divided)];
        Assert.Contains(changed, at => at - FirstDistance < sizeof(int));
        Assert.Contains(changed, at => at - SecondDistance < sizeof(int));
        Assert.All(changed, at => Assert.True(at - FirstDistance < sizeof(int) || at - SecondDistance < sizeof(int), $"hit_divided+{at}"));
    }

    private static ulong OffsetOf(string function)
    {
        using ElfImage image = ElfImage.Open(Program);
        return Assert.Single(image.Functions.Named(function)).Offset.Value;
    }
}
