using Uprobes.Images;
using Uprobes.Registry;

namespace Uprobes.LiveTests.WriteGuards;

public sealed class RefusalTests : GuardTests
{
    [Fact]
    public void A_file_that_somebody_has_open_for_writing_is_not_guarded()
    {
        using WriteGuard guard = Guard(WriteGuardPolicy.Deny);
        using (FileStream writer = new(Image.Path, FileMode.Open, FileAccess.Write))
        {
            WriteGuardState state = Protect(guard);
            Assert.Equal(WriteGuardObstacle.OpenForWriting, state.Obstacle);
            Assert.Contains(Image.Path, state.Message, StringComparison.Ordinal);
        }

        guard.Release(Image.Id);
        Assert.True(Protect(guard).IsGuarded);
    }

    [Fact]
    public void A_file_of_another_user_is_not_guarded_without_the_capability()
    {
        // Root gives its file to somebody else; others take a file of root's.
        string path = Environment.IsPrivilegedProcess ? Image.Path : "/etc/passwd";
        if (Environment.IsPrivilegedProcess)
        {
            using var chown = System.Diagnostics.Process.Start("chown", ["65534", path]);
            chown.WaitForExit();
            Assert.Equal(0, chown.ExitCode);
        }

        using WriteGuard guard = Guard(WriteGuardPolicy.Deny);
        using var file = ProbedFile.OpenForReading(path);
        WriteGuardState state = ThreadWithoutLeaseCapability.Run(() => guard.Protect(Image.Id, file, path));
        Assert.Equal(WriteGuardObstacle.NotOwner, state.Obstacle);
        Assert.False(state.IsGuarded);
    }

    [Fact]
    public void A_file_that_cannot_have_leases_is_not_guarded()
    {
        using WriteGuard guard = Guard(WriteGuardPolicy.Deny);
        string path = Path.GetDirectoryName(Image.Path)!;
        using var directory = ProbedFile.OpenForReading(path);
        Assert.Equal(WriteGuardObstacle.FileSystem, guard.Protect(new ImageId(1, 0), directory, path).Obstacle);
    }

    [Fact]
    public void Without_a_policy_nothing_is_guarded_and_no_thread_started()
    {
        using WriteGuard guard = Guard(WriteGuardPolicy.None);
        Assert.Equal(WriteGuardObstacle.PolicyNone, Protect(guard).Obstacle);
        Eventually.Holds(() => Leftovers.Count(Image.Path) == 0, "there is no thread and no descriptor");
        Assert.Equal(0, Image.TryOpenForWriting());
        guard.Release(Image.Id);
    }
}
