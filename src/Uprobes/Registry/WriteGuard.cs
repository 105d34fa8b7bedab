using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using Uprobes.Images;
using Uprobes.Linux;

namespace Uprobes.Registry;

/// <summary>
/// Keeps others from changing probed images: one read lease (fcntl(2), F_SETLEASE) per image, and one thread per guard that
/// hears of writers. Where no lease can be had the caller is told why; nothing else is lost. All members may be called from any thread.
/// </summary>
/// <remarks>
/// The probes of an image are removed by the callback, on the guard's thread, before the writer goes on. The callback may call
/// <see cref="Protect"/>, <see cref="Release"/> and <see cref="Dispose"/>. It must not throw: that ends the process, as any unhandled exception of a
/// thread. It may come for an image that another thread is just releasing.
/// </remarks>
internal sealed class WriteGuard : IDisposable
{
    private static readonly TimeSpan LongestRound = TimeSpan.FromSeconds(5), ShortestRound = TimeSpan.FromMilliseconds(100);

    private readonly WriteGuardPolicy policy;
    private readonly Action<ImageId, WriteGuardBreak> onBreak;
    private readonly TimeSpan? assumedBreakTime;
    private readonly Lock gate = new();
    private readonly Dictionary<ImageId, WriteGuardedImage> images = [];
    private WriteGuardThread? thread;
    private bool disposed;

    /// <summary>Creates a guard that guards nothing yet and has no thread.</summary>
    /// <param name="policy">What happens to writers.</param>
    /// <param name="onBreak">Removes the probes of the image, and returns when that is done.</param>
    /// <param name="assumedBreakTime">What to take for the system's lease-break-time; null to read it. The kernel's own stays what it is.</param>
    internal WriteGuard(WriteGuardPolicy policy, Action<ImageId, WriteGuardBreak> onBreak, TimeSpan? assumedBreakTime = null)
    {
        this.policy = policy;
        this.onBreak = onBreak;
        this.assumedBreakTime = assumedBreakTime;
    }

    /// <summary>
    /// Guards an image from now on, or holds the guard that it has once more. Refusals are results, not exceptions, and hold nothing: only
    /// a call that gave <see cref="WriteGuardState.IsGuarded"/> is matched by one of <see cref="Release"/>.
    /// </summary>
    /// <param name="id">Which image it is.</param>
    /// <param name="file">The image, open in whatever way; only lent.</param>
    /// <param name="path">The image as the user knows it, for messages.</param>
    /// <exception cref="ObjectDisposedException">The guard is disposed.</exception>
    internal WriteGuardState Protect(ImageId id, SafeFileHandle file, string path)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            if (policy == WriteGuardPolicy.None)
            {
                return WriteGuardState.NoPolicy(path);
            }

            if (images.TryGetValue(id, out WriteGuardedImage? image))
            {
                if (image.IsEnded)
                {
                    return WriteGuardState.BeingBroken(path);
                }

                image.Holders++;
                return WriteGuardState.Guarded(path, policy);
            }

            try
            {
                thread ??= new WriteGuardThread(LookAtAll);
            }
            catch (SyscallException exception)
            {
                return WriteGuardState.Refused(path, exception.Error);
            }

            if (FileLease.TryTake(file, thread.Id, out int error) is not { } lease)
            {
                return WriteGuardState.Refused(path, error);
            }

            images.Add(id, new WriteGuardedImage(id, path, lease));
            thread.Wake();
            return WriteGuardState.Guarded(path, policy);
        }
    }

    /// <summary>
    /// Takes one hold off an image; with the last one a writer that waits goes on at once. Does nothing for an image
    /// that is not guarded, be it because its guard was broken. Never fails.
    /// </summary>
    internal void Release(ImageId id)
    {
        lock (gate)
        {
            if (images.TryGetValue(id, out WriteGuardedImage? image) && --image.Holders == 0)
            {
                images.Remove(id);
                image.Dispose();
            }
        }
    }

    /// <summary>Whether the caller is a callback of this guard.</summary>
    internal bool IsOnItsThread => thread?.IsCurrent == true;

    /// <summary>Whether the image is guarded and no writer has come since: for tests, which wait for it.</summary>
    internal bool IsStanding(ImageId id)
    {
        lock (gate)
        {
            return images.TryGetValue(id, out WriteGuardedImage? image) && image.IsStanding;
        }
    }

    /// <summary>
    /// Gives up every lease, so that writers go on, and ends the thread. Waits for a callback that is running, so it
    /// must not be called with a lock held that the callback takes. Idempotent.
    /// </summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (disposed)
            {
                return;
            }

            disposed = true;
            foreach (WriteGuardedImage image in images.Values)
            {
                image.Dispose();
            }

            images.Clear();
        }

        // Nobody but this call touches the thread now: the others look at `disposed` first.
        thread?.Stop();
    }

    // On the guard's thread, and without the lock while the callback runs.
    private TimeSpan? LookAtAll()
    {
        TimeSpan? breakTime = assumedBreakTime ?? LeaseBreakTime.Read();
        List<(WriteGuardedImage Image, WriteGuardBreak Break)> ended = [];
        lock (gate)
        {
            TimeSpan now = Now();
            foreach (WriteGuardedImage image in images.Values)
            {
                if (image.Look(policy, now, breakTime) is { } end)
                {
                    ended.Add((image, end));
                }
            }
        }

        foreach ((WriteGuardedImage image, WriteGuardBreak end) in ended)
        {
            onBreak(image.Id, end);
            Drop(image);
        }

        lock (gate)
        {
            return UntilNextLook(breakTime);
        }
    }

    private void Drop(WriteGuardedImage image)
    {
        lock (gate)
        {
            // The callback may have released it, or even have protected the same file anew.
            if (images.TryGetValue(image.Id, out WriteGuardedImage? present) && present == image)
            {
                images.Remove(image.Id);
                image.Dispose();
            }
        }
    }

    private TimeSpan? UntilNextLook(TimeSpan? breakTime)
    {
        if (images.Count == 0)
        {
            return null;
        }

        // Without a signal a writer is found early enough to leave most of the break time.
        TimeSpan next = breakTime / 10 ?? LongestRound;
        next = next > LongestRound ? LongestRound : next < ShortestRound ? ShortestRound : next;
        TimeSpan now = Now();
        foreach (WriteGuardedImage image in images.Values)
        {
            if (image.UntilNextLook(now, breakTime) is { } wait && wait < next)
            {
                next = wait;
            }
        }

        return next;
    }

    private static TimeSpan Now() => Stopwatch.GetElapsedTime(0);
}
