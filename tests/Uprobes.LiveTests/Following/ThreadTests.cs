using Uprobes.Arming.X64;
using Uprobes.Images;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Following;

/// <summary>Threads: many, short-lived, and hitting while probes come and go.</summary>
public class ThreadTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(100);

    [Fact]
    public void Ten_thousand_threads_are_followed_from_their_first_instruction()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration work = session.Count(Targets.Path("threads"), "work");
        Assert.Equal("10000", target.Ask("births 10000", Long));
        Assert.Equal(10_000, work.Hits);
        session.Dispose();
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public void Five_hundred_threads_at_one_probe_are_all_served()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        Dictionary<int, int> hits = [];
        using ProbeRegistration work = session.Register(ProbePoint.At(Targets.Path("threads"), "work"),
            new ProbeHandlers { Pre = hit => hits[hit.ThreadId] = hits.GetValueOrDefault(hit.ThreadId) + 1 });
        Assert.Equal("10000", target.Ask("go 500 20", Long));
        Assert.Equal(10_000, work.Hits);
        session.Dispose();
        Assert.Equal(500, hits.Count);
        Assert.All(hits.Values, count => Assert.Equal(20, count));
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public async Task Hits_are_exact_while_other_probes_come_and_go_at_full_speed()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        string program = Targets.Path("threads");
        using ProbeRegistration work = session.Count(program, "work");
        Task<string> answer = Task.Run(() => target.Ask("go 8 30000", Long), TestContext.Current.CancellationToken);
        int rounds = 0;
        while (!answer.IsCompleted)
        {
            // One at the same point, one at another instruction of the same function, some elsewhere.
            using ProbeRegistration same = session.Count(program, "work");
            using ProbeRegistration inside = session.Register(ProbePoint.At(program, "work", FirstInstructionLength(program)), new ProbeHandlers());
            using ProbeRegistration body = session.Count(program, "body");
            using ProbeRegistration libc = session.Count("libc", "malloc");
            rounds++;
        }

        Assert.Equal("240000", await answer);
        Assert.Equal(240_000, work.Hits);
        Assert.True(rounds > 3, $"only {rounds} rounds");
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public void A_probe_that_comes_and_goes_under_eight_threads_never_disturbs_them()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        target.Ask("spin 8");
        long seen = 0;
        Deadline end = Deadline.In(TimeSpan.FromSeconds(10)); // what fits: rounds are cheap, but the threads take all the processors
        for (int round = 0; round < 20 || (round < 2000 && !end.HasPassed); round++)
        {
            using ProbeRegistration work = session.Count(Targets.Path("threads"), "work");
            Assert.True(SpinWait.SpinUntil(() => work.Hits > 3, TimeSpan.FromSeconds(30)));
            work.Dispose();
            long atEnd = work.Hits;
            seen += atEnd;
            Assert.Equal(atEnd, work.Hits); // nothing is counted once it has been removed
        }

        ulong calls = ulong.Parse(target.Ask("stop"), System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange((ulong)seen, 1u, calls);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public void Attaching_and_detaching_two_hundred_times_leaves_a_thread_storm_unharmed()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        target.Ask("births 1"); // the first thread makes the C library take a signal for itself
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        target.Send("births 1000000");
        for (int round = 0; round < 200; round++)
        {
            using UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { Guardian = round % 10 == 0 });
            Notices notices = session.Listen();
            using ProbeRegistration work = session.Count(Targets.Path("threads"), "work");
            Assert.True(SpinWait.SpinUntil(() => work.Hits > 0, TimeSpan.FromSeconds(30)), $"no hit in round {round}");
            session.Dispose();
            notices.AssertNone();
        }

        TextComparison.AssertSame(target.Pid);
        ProcessSnapshot after = ProcessSnapshot.Take(target.Pid);
        Assert.Equal((0, before.Caught, before.Ignored), (after.TracerPid, after.Caught, after.Ignored));
        // The C library blocks all signals for a moment whenever it makes a thread.
        Assert.True(SpinWait.SpinUntil(() => ProcessSnapshot.Take(target.Pid).Blocked == before.Blocked, TimeSpan.FromSeconds(30)), "signals stay blocked");
        Assert.False(target.HasExited);
    }

    private static ulong FirstInstructionLength(string program)
    {
        const int LongestInstruction = 15;
        using ElfImage image = ElfImage.Open(program);
        FunctionSymbol symbol = image.Functions.Named("work")[0];
        using FileStream file = File.OpenRead(program);
        file.Position = (long)symbol.Offset.Value;
        byte[] code = new byte[LongestInstruction];
        file.ReadExactly(code);
        Assert.True(InstructionRelocator.TryInspect(code, symbol.Offset.Value, out InspectedInstruction instruction, out _));
        return (ulong)instruction.Length;
    }
}
