using Uprobes.Linux;
using Uprobes.Registry;

namespace Uprobes.LiveTests.WriteGuards;

public sealed class DisarmAndAllowTests : GuardTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_probes_are_removed_before_the_writer_goes_on(bool truncating)
    {
        string? textAtBreak = null;
        using WriteGuard guard = Guard(WriteGuardPolicy.DisarmAndAllow, () => textAtBreak = Image.ReadText());
        Assert.True(Protect(guard).IsGuarded);

        using WriterProcess writer = truncating ? WriterProcess.Truncating(Image.Path) : WriterProcess.Overwriting(Image.Path);
        writer.WaitForSuccess();

        Assert.Equal("original", textAtBreak);
        Assert.Equal(truncating ? "" : "Wriginal", Image.ReadText());
        (Images.ImageId id, WriteGuardBreak end) = Assert.Single(Breaks);
        Assert.Equal(Image.Id, id);
        Assert.Equal(WriteGuardBreakReason.WriterAllowed, end.Reason);
        Assert.Equal(WriteGuardObstacle.Broken, WriteGuardState.After(end).Obstacle);
    }

    [Fact]
    public void The_writer_waits_as_long_as_the_callback_runs()
    {
        using var removed = new ManualResetEventSlim();
        using WriteGuard guard = Guard(WriteGuardPolicy.DisarmAndAllow, removed.Wait);
        Protect(guard);
        using WriterProcess writer = WriterProcess.Overwriting(Image.Path);
        writer.WaitUntilBlocked();
        Eventually.Holds(() => Protect(guard).Obstacle == WriteGuardObstacle.OpenForWriting, "no new hold while the writer is let in");
        Assert.False(writer.HasFinished);

        removed.Set();
        writer.WaitForSuccess();
        Eventually.Holds(() => Protect(guard).IsGuarded, "the file can be guarded again");
    }

    [Fact]
    public void The_callback_may_release_the_image_and_dispose_the_guard()
    {
        WriteGuard? guard = null;
        guard = Guard(WriteGuardPolicy.DisarmAndAllow, () =>
        {
            guard!.Release(Image.Id);
            guard.Dispose();
        });
        Protect(guard);
        using WriterProcess writer = WriterProcess.Overwriting(Image.Path);
        writer.WaitForSuccess();
        Eventually.Holds(() => Leftovers.Count(Image.Path) == 0, "nothing is left");
    }

    [Fact]
    public void A_writer_that_does_not_wait_gets_in_at_its_next_attempt()
    {
        using WriteGuard guard = Guard(WriteGuardPolicy.DisarmAndAllow);
        Protect(guard);
        Assert.Equal(Errno.EAGAIN, Image.TryOpenForWriting());
        Eventually.Holds(() => Image.TryOpenForWriting() == 0, "the writer gets in");
        Assert.Single(Breaks);
    }
}
