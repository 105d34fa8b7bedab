using System.Collections.Concurrent;
using Uprobes.Images;
using Uprobes.Registry;

namespace Uprobes.LiveTests.WriteGuards;

/// <summary>What the tests of the write guard share. They count descriptors and threads, so they run one after another.</summary>
[Collection("write guard")]
public abstract class GuardTests : IDisposable
{
    private readonly ProbedFile image = new();
    private readonly ConcurrentQueue<(ImageId Id, WriteGuardBreak Break)> breaks = new();

    internal ProbedFile Image => image;

    internal ConcurrentQueue<(ImageId Id, WriteGuardBreak Break)> Breaks => breaks;

    internal WriteGuard Guard(WriteGuardPolicy policy, Action? atBreak = null, TimeSpan? breakTime = null) => new(
        policy,
        (id, end) =>
        {
            atBreak?.Invoke();
            breaks.Enqueue((id, end));
        },
        breakTime);

    internal WriteGuardState Protect(WriteGuard guard) => guard.Protect(image.Id, image.Handle, image.Path);

    public void Dispose()
    {
        image.Dispose();
        GC.SuppressFinalize(this);
    }
}
