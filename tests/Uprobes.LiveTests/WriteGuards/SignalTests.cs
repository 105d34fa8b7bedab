using Microsoft.Win32.SafeHandles;
using Uprobes.Linux;
using Uprobes.Registry;

namespace Uprobes.LiveTests.WriteGuards;

public sealed class SignalTests : GuardTests
{
    [Fact]
    public void A_lease_names_its_thread_and_signal_also_when_taken_again()
    {
        // Nobody writes, so the thread gets no signal. The kernel forgets both with each release.
        int thread = LibC.gettid();
        using FileLease lease = FileLease.TryTake(Image.Handle, thread, out int error)!;
        Assert.Equal(0, error);
        for (int round = 0; round < 3; round++)
        {
            var owner = new LibC.FileOwner();
            Assert.Equal(0, LibC.fcntl(lease.Descriptor, LibC.F_GETOWN_EX, ref owner));
            Assert.Equal((LibC.F_OWNER_TID, thread), (owner.Type, owner.Id));
            Assert.Equal(FileLeaseState.Active, lease.Read());
            lease.Release();
            Assert.Equal(FileLeaseState.Gone, lease.Read());
            Assert.True(lease.TryTake(out _));
        }
    }

    // The default action of the guard's signal, and of SIGIO, is to end the process: one that went astray would end this test run.
    [Fact]
    public void A_thousand_refused_writers_and_no_signal_goes_astray()
    {
        const int files = 10, rounds = 100;
        ProbedFile[] images = [.. Enumerable.Range(0, files).Select(_ => new ProbedFile())];
        using (WriteGuard guard = Guard(WriteGuardPolicy.Deny))
        {
            foreach (ProbedFile image in images)
            {
                Assert.True(guard.Protect(image.Id, image.Handle, image.Path).IsGuarded);
            }

            for (int round = 0; round < rounds; round++)
            {
                Assert.All(images, image => Assert.Equal(Errno.EAGAIN, image.TryOpenForWriting()));
                Eventually.Holds(() => images.All(image => guard.IsStanding(image.Id)), "every guard stands again");
            }
        }

        Assert.Empty(Breaks);
        Array.ForEach(images, image => image.Dispose());
    }

    [Fact]
    public void Nothing_is_left_of_a_disposed_guard()
    {
        Eventually.Holds(() => Leftovers.Count(Image.Path) == 0, "other tests' guards are gone");
        for (int round = 0; round < 200; round++)
        {
            using WriteGuard guard = Guard(round % 2 == 0 ? WriteGuardPolicy.Deny : WriteGuardPolicy.DisarmAndAllow);
            Assert.True(Protect(guard).IsGuarded);

            // A thread that was joined can still be on its last steps in the kernel.
            Eventually.Holds(() => Leftovers.Threads() == 1, "there is one thread, however many guards there were");
            if (round % 3 == 0)
            {
                Assert.Equal(Errno.EAGAIN, Image.TryOpenForWriting());
            }
        }

        Eventually.Holds(() => Leftovers.Count(Image.Path) == 0, "nothing is left");
        Assert.Equal(0, Image.TryOpenForWriting());
    }

    [Fact]
    public void Nothing_is_left_of_a_thousand_refusals()
    {
        using WriteGuard guard = Guard(WriteGuardPolicy.Deny);
        string path = Path.GetDirectoryName(Image.Path)!;
        using SafeFileHandle directory = ProbedFile.OpenForReading(path);
        for (int round = 0; round < 1000; round++)
        {
            Assert.False(guard.Protect(Image.Id, directory, path).IsGuarded);
        }

        Assert.Equal(1, Directory.GetDirectories("/proc/self/fd").Count(link => new DirectoryInfo(link).LinkTarget == path));
    }
}
