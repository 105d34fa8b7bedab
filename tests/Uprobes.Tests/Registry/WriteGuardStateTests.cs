using Uprobes.Linux;
using Uprobes.Registry;

namespace Uprobes.Tests.Registry;

public sealed class WriteGuardStateTests
{
    [Theory]
    [InlineData(Errno.EACCES, WriteGuardObstacle.NotOwner, "CAP_LEASE")]
    [InlineData(Errno.EPERM, WriteGuardObstacle.NotOwner, "CAP_LEASE")]
    [InlineData(Errno.EAGAIN, WriteGuardObstacle.OpenForWriting, "open for writing")]
    [InlineData(Errno.EINVAL, WriteGuardObstacle.FileSystem, "no leases")]
    [InlineData(Errno.EMFILE, WriteGuardObstacle.NoResources, "EMFILE")]
    public void Each_error_has_its_own_obstacle_and_sentence(int error, WriteGuardObstacle obstacle, string words)
    {
        WriteGuardState state = WriteGuardState.Refused("/lib/a.so", error);
        Assert.Equal(obstacle, state.Obstacle);
        Assert.False(state.IsGuarded);
        Assert.StartsWith("/lib/a.so: not guarded", state.Message, StringComparison.Ordinal);
        Assert.Contains(words, state.Message, StringComparison.Ordinal);
    }
}
