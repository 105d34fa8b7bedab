using System.Diagnostics;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Tests.Processes;

/// <summary>How the tracer thread shares its time between work and tracees; here there are none of the latter.</summary>
public sealed class TracerThreadTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public void Tracees_have_as_much_time_after_work_as_it_took_before_other_work_is_done()
    {
        TimeSpan length = TimeSpan.FromMilliseconds(50);
        bool ending = false;
        int looks = 0;
        TracerThread thread = null!;
        thread = new TracerThread(() =>
        {
            while (!ending)
            {
                thread.RunWork();
                if (thread.WaitForTracee(-1, block: true, out _) == -Errno.ECHILD)
                    looks++;
            }
        });
        thread.Start();
        using ManualResetEventSlim running = new();
        long started = 0, ended = 0, next = 0;
        int looksBetween = 0;
        Thread other = new(() =>
        {
            running.Wait();
            thread.Invoke(() =>
            {
                next = Stopwatch.GetTimestamp();
                looksBetween = looks - looksBetween;
            });
        });
        other.Start();
        thread.Invoke(() =>
        {
            started = Stopwatch.GetTimestamp();
            running.Set();
            SpinWait.SpinUntil(() => Stopwatch.GetElapsedTime(started) >= length);
            looksBetween = looks;
            ended = Stopwatch.GetTimestamp();
        });
        Assert.True(other.Join(Deadline));
        thread.Invoke(() => ending = true);
        thread.Dispose();
        Assert.InRange(Stopwatch.GetElapsedTime(ended, next), length, Deadline);
        Assert.NotEqual(0, looksBetween);
    }

    [Fact]
    public void Work_that_the_thread_has_posted_itself_waits_for_nothing()
    {
        bool ending = false;
        int looks = 0, looksAtPost = -1, looksAtRun = -1;
        TracerThread thread = null!;
        thread = new TracerThread(() =>
        {
            while (!ending)
            {
                thread.RunWork();
                if (thread.WaitForTracee(-1, block: true, out _) == -Errno.ECHILD)
                    looks++;
            }
        });
        thread.Start();
        thread.Invoke(() =>
        {
            long start = Stopwatch.GetTimestamp();
            SpinWait.SpinUntil(() => Stopwatch.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(20));
            looksAtPost = looks;
            thread.Post(() => looksAtRun = looks);
        });
        thread.Invoke(() => ending = true);
        thread.Dispose();
        Assert.Equal((looksAtPost, looksAtPost), (looksAtPost, looksAtRun));
    }
}
