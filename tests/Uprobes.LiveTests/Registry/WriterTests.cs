using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.WriteGuards;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Registry;

/// <summary>Somebody changes a probed file: each policy as a session's user meets it.</summary>
public sealed class WriterTests : IDisposable
{
    private readonly PrivateFolder _folder = new();
    private readonly string _library;

    public WriterTests()
    {
        _folder.Copy("dl");
        _library = _folder.Copy("libplug.so");
    }

    public void Dispose() => _folder.Dispose();

    private TargetProcess StartWithLibrary()
    {
        TargetProcess target = _folder.Start("dl");
        target.Ask("open");
        return target;
    }

    private void AssertLibraryIsAsItsFile(TargetProcess target) =>
        Assert.DoesNotContain(TextComparison.Compare(target.Pid), d => d.Path == _library);

    [Fact]
    public void Under_Deny_a_writer_waits_until_the_session_ends()
    {
        using TargetProcess target = StartWithLibrary();
        using UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { WriteGuard = WriteGuardPolicy.Deny });
        ProbeRegistration registration = session.Register(ProbePoint.At(_library, "plug_work"), Count.Only);
        using WriterProcess writer = WriterProcess.Overwriting(_library);
        writer.WaitUntilBlocked();
        target.Ask("call 3");
        Assert.Equal(3, registration.Hits);
        Assert.False(writer.HasFinished);
        session.Dispose();
        writer.WaitForSuccess();
        Assert.Equal((byte)'W', File.ReadAllBytes(_library)[0]);
        TextComparison.AssertSame(target.Pid);
    }

    [Fact]
    public void Under_Deny_a_writer_goes_on_with_the_last_consumer()
    {
        using TargetProcess target = StartWithLibrary();
        using UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { WriteGuard = WriteGuardPolicy.Deny });
        ProbeRegistration one = session.Register(ProbePoint.At(_library, "plug_work"), Count.Only);
        ProbeRegistration two = session.Register(ProbePoint.At(_library, "plug_init"), Count.Only);
        using WriterProcess writer = WriterProcess.Overwriting(_library);
        writer.WaitUntilBlocked();
        one.Dispose();
        Assert.False(writer.HasFinished);
        two.Dispose();
        writer.WaitForSuccess();
    }

    [Fact]
    public void Under_DisarmAndAllow_the_probes_go_first_and_the_user_is_told()
    {
        using TargetProcess target = StartWithLibrary();
        using UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { WriteGuard = WriteGuardPolicy.DisarmAndAllow });
        Notices notices = new(session);
        ProbeRegistration registration = session.Register(ProbePoint.At(_library, "plug_work"), Count.Only);
        ProbeRegistration other = session.Register(ProbePoint.At(_folder.At("dl"), "main", 0), Count.Only);
        target.Ask("call 2");
        using WriterProcess writer = WriterProcess.Overwriting(_library);
        writer.WaitForSuccess();
        Assert.False(registration.IsActive);
        Assert.True(other.IsActive);
        Assert.Equal(2, registration.Hits);
        AssertLibraryIsAsItsFile(target);
        Eventually.Holds(() => notices.Of(NoticeKind.WriteGuard).Count == 1, "the notice");
        Assert.Contains(_library, notices.All[0].Message, StringComparison.Ordinal);
        Assert.Contains("probes removed", notices.All[0].Message, StringComparison.Ordinal);
        target.Ask("call 2");
        Assert.Equal(2, registration.Hits);
        registration.Dispose();
    }

    [Fact]
    public void Under_None_a_writer_does_not_wait_and_the_probe_stands()
    {
        using TargetProcess target = StartWithLibrary();
        using UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { WriteGuard = WriteGuardPolicy.None });
        Notices notices = new(session);
        using ProbeRegistration registration = session.Register(ProbePoint.At(_library, "plug_work"), Count.Only);
        using WriterProcess writer = WriterProcess.Overwriting(_library);
        writer.WaitForSuccess();
        target.Ask("call 2");
        Assert.Equal(2, registration.Hits);
        notices.AssertNone();
    }

    [Theory]
    [InlineData(WriteGuardPolicy.Deny)]
    [InlineData(WriteGuardPolicy.DisarmAndAllow)]
    [InlineData(WriteGuardPolicy.None)]
    public void An_upgrade_by_rename_disturbs_nothing(WriteGuardPolicy policy)
    {
        Require.Root(); // Others cannot open the file that was replaced to compare with it.
        using TargetProcess target = StartWithLibrary();
        string expected = target.Ask("call 3");
        using (UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { WriteGuard = policy }))
        {
            Notices notices = new(session);
            using ProbeRegistration before = session.Register(ProbePoint.At(_library, "plug_work"), Count.Only);
            using (WriterProcess writer = WriterProcess.Replacing(_library))
                writer.WaitForSuccess();
            using ProbeRegistration after = session.Register(ProbePoint.At(_library, "plug_work"), Count.Only);
            Assert.Equal(before.Image, after.Image);
            Assert.Equal(expected, target.Ask("call 3"));
            Assert.Equal((3, 3), (before.Hits, after.Hits));
            notices.AssertNone();
        }

        TextComparison.AssertSame(target.Pid);
        Assert.Equal(expected, target.Ask("call 3"));
    }

    [Fact]
    public void A_probe_registered_after_an_upgrade_is_in_the_file_that_the_process_runs()
    {
        Require.Root();
        using TargetProcess target = StartWithLibrary();
        // As package managers do; plug_work of the new file has other code.
        File.Move(_folder.Copy("libplug2.so"), _library, overwrite: true);
        using TargetProcess fresh = StartWithLibrary();
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        using (ProbeRegistration registration = session.Register(ProbePoint.At(_library, "plug_work"), Count.Only))
        {
            target.Ask("call 4");
            Assert.Equal(4, registration.Hits);
        }

        using (UprobeSession session = UprobeSession.Attach(fresh.Pid))
        using (ProbeRegistration registration = session.Register(ProbePoint.At(_library, "plug_work"), Count.Only))
        {
            fresh.Ask("call 5");
            Assert.Equal(5, registration.Hits);
        }

        TextComparison.AssertSame(target.Pid);
        TextComparison.AssertSame(fresh.Pid);
    }

    [Theory]
    [InlineData("libplug.so")]
    [InlineData("libplug2.so")]
    public void A_file_truncated_and_written_anew_under_a_probe_is_not_touched_and_the_loss_is_told(string contents)
    {
        using TargetProcess target = StartWithLibrary();
        using (UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { WriteGuard = WriteGuardPolicy.None }))
        {
            Notices notices = new(session);
            ProbeRegistration registration = session.Register(ProbePoint.At(_library, "plug_work"), Count.Only);
            target.Ask("call 2");
            PrivateFolder.Run("cp", Targets.Path(contents), _library); // Opens with O_TRUNC: the same inode.
            AssertLibraryIsAsItsFile(target); // The kernel has thrown the page with the breakpoint away.
            registration.Dispose();
            SessionNotice notice = Assert.Single(notices.All);
            Assert.Equal((NoticeKind.SiteLost, target.Pid), (notice.Kind, notice.ProcessId));
            Assert.Contains("plug_work", notice.Message, StringComparison.Ordinal);
            TextComparison.AssertSame(target.Pid);

            // The rewritten file can be probed as what it is now.
            using ProbeRegistration anew = session.Register(ProbePoint.At(_library, "plug_work"), Count.Only);
            Assert.Single(TextComparison.Compare(target.Pid), d => d.Path == _library);
        }

        TextComparison.AssertSame(target.Pid);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_process_that_maps_the_file_after_it_was_rewritten_gets_no_probe_and_runs_on(bool sameCode)
    {
        using TargetProcess target = StartWithLibrary();
        using TargetProcess later = _folder.Start("dl");
        using UprobeSession session = UprobeSession.Attach([target.Pid, later.Pid], new SessionOptions { WriteGuard = WriteGuardPolicy.None });
        Notices notices = new(session);
        using ProbeRegistration registration = session.Register(ProbePoint.At(_library, "plug_work"), Count.Only);
        target.Ask("call 2");
        if (sameCode)
            PrivateFolder.Run("truncate", "--size", "+4096", _library);
        else
            PrivateFolder.Run("cp", Targets.Path("libplug2.so"), _library);
        later.Ask("open");
        using TargetProcess bare = StartWithLibrary();
        Assert.Equal(bare.Ask("call 3"), later.Ask("call 3"));
        Assert.Equal(2, registration.Hits);
        SessionNotice notice = Assert.Single(notices.Of(NoticeKind.Refused));
        Assert.Equal(later.Pid, notice.ProcessId);
        Assert.Contains(_library, notice.Message, StringComparison.Ordinal);
        session.Dispose();
        TextComparison.AssertSame(later.Pid);
    }

    [Fact]
    public void A_loss_is_told_when_the_session_ends_too()
    {
        using TargetProcess target = StartWithLibrary();
        UprobeSession session = UprobeSession.Attach(target.Pid, new SessionOptions { WriteGuard = WriteGuardPolicy.None });
        Notices notices = new(session);
        session.Register(ProbePoint.At(_library, "plug_work"), Count.Only);
        PrivateFolder.Run("truncate", "--size", "0", _library);
        session.Dispose();
        Assert.Equal(NoticeKind.SiteLost, Assert.Single(notices.All).Kind);
        Assert.Equal(0, ProcessSnapshot.Take(target.Pid).TracerPid);
    }
}
