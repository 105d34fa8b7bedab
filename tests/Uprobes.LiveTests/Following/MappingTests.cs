using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Following;

/// <summary>Mappings that a program makes, moves, drops and empties by itself.</summary>
public class MappingTests
{
    [Fact]
    public void A_second_mapping_of_the_file_is_armed_before_it_is_called()
    {
        string[] commands = ["go 4", "second 5", "keep", "kept 6", "drop", "go 2"];
        string[] bare = Counting.Bare("mapper", commands);
        using TargetProcess target = TargetProcess.StartTarget("mapper");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration leaf = session.Count(Targets.Path("mapper"), "leaf");
        Assert.Equal(bare, target.AskAll(commands));
        Assert.Equal(17, leaf.Hits);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public void Text_is_restored_in_all_mappings_of_the_file()
    {
        using TargetProcess target = TargetProcess.StartTarget("mapper");
        target.Ask("keep");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using (ProbeRegistration leaf = session.Count(Targets.Path("mapper"), "leaf"))
        {
            target.Ask("kept 3");
            target.Ask("go 2");
            Assert.Equal(5, leaf.Hits);
        }

        target.Ask("kept 3");
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
    }

    [Fact]
    public void A_mapping_that_moves_keeps_its_probes()
    {
        string[] commands = ["keep", "kept 3", "move", "kept 4", "move", "kept 5", "go 2"];
        string[] bare = Counting.Bare("mapper", commands);
        using TargetProcess target = TargetProcess.StartTarget("mapper");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration leaf = session.Count(Targets.Path("mapper"), "leaf");
        Assert.Equal(bare, target.AskAll(commands));
        Assert.Equal(14, leaf.Hits);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public void Text_that_has_moved_is_restored_though_nobody_came_there()
    {
        using TargetProcess target = TargetProcess.StartTarget("mapper");
        target.Ask("keep");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using ProbeRegistration leaf = session.Count(Targets.Path("mapper"), "leaf");
        target.Ask("move");
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.Ask("kept 3");
        target.QuitsWell();
    }

    [Fact]
    public void A_probe_whose_page_was_discarded_is_told_to_be_lost_and_nothing_is_written()
    {
        string[] bare = Counting.Bare("mapper", "go 3", "dontneed 4", "go 2");
        using TargetProcess target = TargetProcess.StartTarget("mapper");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration leaf = session.Count(Targets.Path("mapper"), "leaf");
        Assert.Equal(bare, target.AskAll("go 3", "dontneed 4", "go 2"));
        Assert.Equal(3, leaf.Hits);
        leaf.Dispose();
        Assert.Single(notices.Of(NoticeKind.SiteLost));
        TextComparison.AssertSame(target.Pid); // the hooks of late arming went with the last probe
        using ProbeRegistration again = session.Count(Targets.Path("mapper"), "leaf");
        Assert.Equal(bare[2], target.Ask("go 2"));
        Assert.Equal(2, again.Hits);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
    }

    [Fact]
    public void A_shared_mapping_is_refused_with_a_notice_and_runs_without_probes()
    {
        string[] bare = Counting.Bare("mapper", "shared 3", "go 2");
        byte[] file = File.ReadAllBytes(Targets.Path("mapper"));
        using TargetProcess target = TargetProcess.StartTarget("mapper");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration leaf = session.Count(Targets.Path("mapper"), "leaf");
        Assert.Equal(bare, target.AskAll("shared 3", "go 2"));
        Assert.Equal(2, leaf.Hits);
        Assert.Single(notices.Of(NoticeKind.Refused));
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal(file, File.ReadAllBytes(Targets.Path("mapper")));
        target.QuitsWell();
    }
}
