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
    public void A_mapping_that_comes_back_after_other_probes_were_registered_is_armed_again()
    {
        using TargetProcess target = TargetProcess.StartTarget("mapper");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration leaf = session.Count(Targets.Path("mapper"), "leaf");
        target.AskAll("keep", "kept 3", "drop");
        using ProbeRegistration other = session.Count(Targets.Path("mapper"), "map_again");
        target.AskAll("keep", "kept 4"); // where it was before: the kernel takes the same gap
        Assert.Equal(7, leaf.Hits);
        Assert.Equal(1, other.Hits);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public void A_probe_whose_page_was_discarded_is_armed_again_with_the_next_registration()
    {
        using TargetProcess target = TargetProcess.StartTarget("mapper");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using ProbeRegistration leaf = session.Count(Targets.Path("mapper"), "leaf");
        target.AskAll("go 3", "dontneed 4");
        using ProbeRegistration other = session.Count(Targets.Path("mapper"), "map_again");
        target.Ask("go 2");
        Assert.Equal(5, leaf.Hits);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
    }

    [Fact]
    public void What_a_registration_finds_wrong_at_another_probe_is_told_once()
    {
        using TargetProcess target = TargetProcess.StartTarget("mapper");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration leaf = session.Count(Targets.Path("mapper"), "leaf");
        OverwriteStart(target.Pid, "leaf");
        using ProbeRegistration other = session.Count(Targets.Path("mapper"), "map_again");
        using ProbeRegistration third = session.Count(Targets.Path("mapper"), "rest");
        SessionNotice told = Assert.Single(notices.Of(NoticeKind.Refused));
        Assert.Contains("leaf", told.Message, StringComparison.Ordinal);
        Assert.Equal(target.Pid, told.ProcessId);
        target.AskAll("keep");
        Assert.Equal(1, other.Hits);
    }

    /// <summary>As another tool would: the function is not called any more.</summary>
    private static void OverwriteStart(int pid, string function)
    {
        using Images.ElfImage image = Images.ElfImage.Open(Targets.Path("mapper"));
        ulong offset = Assert.Single(image.Functions.InOwnTables(function)).Offset.Value;
        Processes.Mapping text = Processes.MappingParser.ReadProcess(pid)
            .First(m => m.IsExecutable && m.Path == image.Path && offset >= m.FileOffset && offset - m.FileOffset < m.Length);
        using FileStream memory = new($"/proc/{pid}/mem", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        memory.Position = (long)(text.Start + (offset - text.FileOffset));
        memory.Write([0x90, 0x90]);
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
