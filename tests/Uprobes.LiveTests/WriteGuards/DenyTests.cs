using System.Diagnostics;
using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Uprobes.Linux;
using Uprobes.Registry;

namespace Uprobes.LiveTests.WriteGuards;

public sealed class DenyTests : GuardTests
{
    [Fact]
    public void A_writer_waits_until_the_image_is_released()
    {
        using WriteGuard guard = Guard(WriteGuardPolicy.Deny);
        Assert.True(Protect(guard).IsGuarded);
        using WriterProcess writer = WriterProcess.Overwriting(Image.Path);
        writer.WaitUntilBlocked();
        Assert.Equal("original", Image.ReadText());

        guard.Release(Image.Id);

        writer.WaitForSuccess();
        Assert.Equal("Wriginal", Image.ReadText());
        Assert.Empty(Breaks);
    }

    [Fact]
    public void Truncating_waits_until_the_image_is_released()
    {
        using WriteGuard guard = Guard(WriteGuardPolicy.Deny);
        Protect(guard);
        using WriterProcess writer = WriterProcess.Truncating(Image.Path);
        writer.WaitUntilBlocked();
        Assert.Equal("original", Image.ReadText());

        guard.Release(Image.Id);

        writer.WaitForSuccess();
        Assert.Equal("", Image.ReadText());
        Assert.Empty(Breaks);
    }

    [Fact]
    public void A_writer_that_does_not_wait_is_refused_and_the_guard_stands_again()
    {
        using WriteGuard guard = Guard(WriteGuardPolicy.Deny);
        Protect(guard);
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal(Errno.EAGAIN, Image.TryOpenForWriting());
            Eventually.Holds(() => guard.IsStanding(Image.Id), "the guard stands again");
        }

        Assert.Empty(Breaks);
        guard.Release(Image.Id);
        Assert.Equal(0, Image.TryOpenForWriting());
    }

    [Fact]
    public void After_a_waiting_writer_was_killed_the_next_one_waits_its_full_time()
    {
        TimeSpan breakTime = TimeSpan.FromSeconds(10);
        using WriteGuard guard = Guard(WriteGuardPolicy.Deny, breakTime: breakTime);
        Protect(guard);
        using (WriterProcess first = WriterProcess.Overwriting(Image.Path))
        {
            first.WaitUntilBlocked();
            first.Kill();
        }

        Eventually.Holds(() => guard.IsStanding(Image.Id), "the guard stands again");
        using WriterProcess second = WriterProcess.Truncating(Image.Path);
        second.WaitUntilBlocked();
        Assert.Empty(Breaks);
        Assert.Equal("original", Image.ReadText());
        guard.Release(Image.Id);
        second.WaitForSuccess();
    }

    [Fact]
    public void A_writer_that_goes_on_waiting_gets_in_after_the_probes_are_gone()
    {
        string? textAtBreak = null;
        TimeSpan breakTime = TimeSpan.FromSeconds(1);
        using WriteGuard guard = Guard(WriteGuardPolicy.Deny, () => textAtBreak = Image.ReadText(), breakTime);
        Protect(guard);
        long start = Stopwatch.GetTimestamp();
        using WriterProcess writer = WriterProcess.Overwriting(Image.Path);

        writer.WaitForSuccess();

        Assert.InRange(Stopwatch.GetElapsedTime(start), breakTime * WriteGuardedImage.ShareUntilForced, LeaseBreakTime.Read() ?? TimeSpan.MaxValue);
        Assert.Equal("original", textAtBreak);
        (_, WriteGuardBreak end) = Assert.Single(Breaks);
        Assert.Equal(WriteGuardBreakReason.ForcedByKernel, end.Reason);
        Assert.Contains(Image.Path, end.Message, StringComparison.Ordinal);
        Assert.False(guard.IsStanding(Image.Id));
        guard.Release(Image.Id);
    }

    [Fact]
    public void Every_hold_must_be_released_before_a_writer_gets_in()
    {
        using WriteGuard guard = Guard(WriteGuardPolicy.Deny);
        Protect(guard);
        using (var sameFile = ProbedFile.OpenForReading(Image.Path))
        {
            Assert.True(guard.Protect(Image.Id, sameFile, Image.Path).IsGuarded);
        }

        guard.Release(Image.Id);
        Assert.Equal(Errno.EAGAIN, Image.TryOpenForWriting());
        guard.Release(Image.Id);
        Assert.Equal(0, Image.TryOpenForWriting());
        guard.Release(Image.Id);
    }

    [Fact]
    public void Disposing_the_guard_lets_a_waiting_writer_go()
    {
        WriteGuard guard = Guard(WriteGuardPolicy.Deny);
        Protect(guard);
        using WriterProcess writer = WriterProcess.Overwriting(Image.Path);
        writer.WaitUntilBlocked();

        guard.Dispose();
        guard.Dispose();

        writer.WaitForSuccess();
        guard.Release(Image.Id);
        Assert.Throws<ObjectDisposedException>(() => Protect(guard));
    }

    [Fact]
    public void Two_sessions_guard_one_file_and_a_refused_writer_ends_neither_guard()
    {
        using WriteGuard one = Guard(WriteGuardPolicy.Deny);
        using WriteGuard two = Guard(WriteGuardPolicy.Deny);
        Protect(one);
        Protect(two);
        for (int round = 0; round < 20; round++)
        {
            Assert.Equal(Errno.EAGAIN, Image.TryOpenForWriting());
            Eventually.Holds(() => one.IsStanding(Image.Id) && two.IsStanding(Image.Id), "both guards stand again");
        }

        Assert.Empty(Breaks);
        using WriterProcess writer = WriterProcess.Overwriting(Image.Path);
        writer.WaitUntilBlocked();
        one.Release(Image.Id);
        writer.WaitUntilBlocked();
        Assert.Equal("original", Image.ReadText());
        two.Release(Image.Id);
        writer.WaitForSuccess();
        Assert.Empty(Breaks);
    }

    [Fact]
    public void Replacing_the_file_by_rename_goes_on_and_leaves_the_guarded_file_as_it_was()
    {
        using WriteGuard guard = Guard(WriteGuardPolicy.Deny);
        Protect(guard);
        using WriterProcess writer = WriterProcess.Replacing(Image.Path);

        writer.WaitForSuccess();

        Assert.Equal("new", Image.ReadText());
        byte[] probed = new byte[16];
        Assert.Equal("original".Length, RandomAccess.Read(Image.Handle, probed, 0));
        Assert.True(guard.IsStanding(Image.Id));
        Assert.Empty(Breaks);
    }

    [Fact]
    public void A_writer_that_got_in_behind_the_guard_is_told()
    {
        using WriteGuard guard = Guard(WriteGuardPolicy.Deny);
        Protect(guard);
        using WriterProcess writer = WriterProcess.Overwriting(Image.Path);
        writer.WaitUntilBlocked();

        // What the kernel does when the time is over while this process is stopped.
        foreach (string file in Directory.GetFiles("/proc/self/fd").Where(file => new FileInfo(file).LinkTarget == Image.Path))
        {
            using var descriptor = new SafeFileHandle(int.Parse(Path.GetFileName(file), CultureInfo.InvariantCulture), ownsHandle: false);
            LibC.fcntl(descriptor, LibC.F_SETLEASE, LibC.F_UNLCK);
        }

        writer.WaitForSuccess();
        Eventually.Holds(() => !Breaks.IsEmpty, "the break is told");
        Assert.Equal(WriteGuardBreakReason.Overtaken, Assert.Single(Breaks).Break.Reason);
        Eventually.Holds(() => Protect(guard).IsGuarded, "the file can be guarded again");
    }
}
