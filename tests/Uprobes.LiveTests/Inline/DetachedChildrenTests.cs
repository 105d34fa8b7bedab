using System.Globalization;
using Uprobes.LiveTests.Following;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.WriteGuards;

namespace Uprobes.LiveTests.Inline;

/// <summary>Children of processes that nobody attends, where process numbers have begun anew.</summary>
public sealed class DetachedChildrenTests
{
    [Fact]
    public void A_grandchild_whose_number_is_smaller_than_its_parents_is_found()
    {
        using TargetProcess target = TargetProcess.StartTarget("family");
        using UprobeSession session = Attach(target, TimeSpan.FromMilliseconds(20));
        Notices notices = session.Listen();
        using LiveAggregate<long> count = session.Entry(Targets.Path("family"), "child_work").Count();
        int grandchild = Number(target.Ask("low"));
        Assert.SkipWhen(grandchild == 0, "needs the right to choose the number of a process: CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN");
        Eventually.Holds(() => session.ProcessIds.Count == 3, "child and grandchild are taken in");
        Assert.Contains(grandchild, session.ProcessIds);
        Assert.True(session.ProcessIds.Max() > grandchild);
        Eventually.Holds(() => session.InlineSites == 3, "they are armed");
        Assert.Equal("10", target.Ask("free"));
        Assert.Equal(1, count.Value);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        notices.AssertNone();
    }

    [Fact]
    public void A_child_that_has_the_number_of_a_process_that_was_there_before_is_found()
    {
        using TargetProcess target = TargetProcess.StartTarget("family");
        int before = Number(target.Ask("hold"));
        using UprobeSession session = Attach(target, TimeSpan.FromMinutes(1)); // What is there already is none of its children.
        Notices notices = session.Listen();
        using LiveAggregate<long> count = session.Entry(Targets.Path("family"), "child_work").Count();
        Assert.Equal([target.Pid], session.ProcessIds);
        Assert.Equal("10", target.Ask("free"));
        int child = Number(target.Ask($"hold {before}"));
        if (child != before)
            Assert.Equal("10", target.Ask("free"));
        Assert.SkipWhen(child != before, "needs the right to choose the number of the next process, and no other process that takes it");
        using LiveAggregate<long> other = session.Entry(Targets.Path("family"), "main").Count(); // The tracer looks around when it returns.
        Assert.Equivalent(new[] { target.Pid, child }, session.ProcessIds);
        Assert.Equal("10", target.Ask("free"));
        Assert.Equal(1, count.Value);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        notices.AssertNone();
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static UprobeSession Attach(TargetProcess target, TimeSpan lookInterval) =>
        UprobeSession.Attach(target.Pid, new SessionOptions { Presence = TracerPresence.Detached, LookInterval = lookInterval });
}
