using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Following;

/// <summary>
/// Children of a process that is killed in the middle of a fork: nobody tells of them, and their first stop comes when everything else is over.
/// The target <c>unborn</c> holds such a child back.
/// </summary>
public sealed class UnbornTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_child_that_is_born_after_its_parents_end_goes_on_and_is_probed(bool completesBefore)
    {
        using TargetProcess target = TargetProcess.StartTarget("unborn");
        int parent = ParentOf(target);
        // A session waits for such a child as long as for any stop, and completes without it when that takes too long.
        SessionOptions options = new() { Guardian = completesBefore, StopTimeout = TimeSpan.FromSeconds(completesBefore ? 0.05 : 60) };
        using UprobeSession session = UprobeSession.Attach(parent, options);
        Notices notices = session.Listen();
        using ProbeRegistration work = session.Count(Targets.Path("unborn"), "child_work");
        Assert.Equal("2009", target.Ask("lose"));
        if (completesBefore)
            session.AwaitCompletion();
        Assert.Equal("10", target.Ask("bear"));
        session.AwaitCompletion();
        Assert.Equal(1, work.Hits);
        notices.AssertNone();
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Fact]
    public void A_child_that_a_probed_process_inherits_goes_on_and_is_probed()
    {
        using TargetProcess target = TargetProcess.StartTarget("unborn");
        int parent = ParentOf(target);
        using UprobeSession session = UprobeSession.Attach([target.Pid, parent]);
        Notices notices = session.Listen();
        using ProbeRegistration work = session.Count(Targets.Path("unborn"), "child_work");
        Assert.Equal("2009", target.Ask("lose"));
        Assert.Equal("10", target.Ask("bear"));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
        session.AwaitCompletion();
        Assert.Equal(1, work.Hits);
        notices.AssertNone();
    }

    private static int ParentOf(TargetProcess target)
    {
        int parent = int.Parse(target.Ask("parent"), System.Globalization.CultureInfo.InvariantCulture);
        Assert.SkipWhen(parent == 0, "needs userfaultfd(2) for faults in the kernel: root, or vm.unprivileged_userfaultfd=1");
        return parent;
    }
}
