using Uprobes.Linux;

namespace Uprobes.Registry;

/// <summary>
/// The thread that the kernel tells of writers. Leases name this thread (F_SETOWN_EX with F_OWNER_TID) and a
/// real-time signal (F_SETSIG) that it has blocked, so no other thread of the host program ever sees a signal,
/// and nobody's handlers or signal masks are changed.
/// </summary>
/// <remarks>
/// A signal is the news that there is something to see, nothing more: the thread then looks at all leases. It also
/// looks now and then without a signal, since the kernel has no signal to give when the user's quota of
/// pending signals (RLIMIT_SIGPENDING) is used up.
/// </remarks>
internal sealed class WriteGuardThread
{
    private readonly Func<TimeSpan?> look;
    private readonly SignalMailbox mailbox;
    private readonly WakeEvent wake;
    private readonly Thread thread;
    private volatile bool stopping;

    /// <summary>Starts the thread; returns when it can be signalled.</summary>
    /// <param name="look">Called on the thread: does what there is to do and says after which time it wants to be called again; null for never.</param>
    /// <exception cref="SyscallException">No descriptor was to be had.</exception>
    internal WriteGuardThread(Func<TimeSpan?> look)
    {
        this.look = look;
        mailbox = SignalMailbox.Create();
        try
        {
            wake = WakeEvent.Create();
        }
        catch (SyscallException)
        {
            mailbox.Dispose();
            throw;
        }

        using var ready = new ManualResetEventSlim();
        thread = new Thread(() => Run(ready)) { IsBackground = true, Name = "uprobes guard" };
        thread.Start();
        ready.Wait();
    }

    /// <summary>The kernel's identifier of the thread.</summary>
    internal int Id { get; private set; }

    /// <summary>Whether the caller is this thread.</summary>
    internal bool IsCurrent => Thread.CurrentThread == thread;

    /// <summary>Makes the thread look now. Not to be called after <see cref="Stop"/>.</summary>
    internal void Wake() => wake.Set();

    /// <summary>Ends the thread and waits for it, unless called on it. Called once.</summary>
    internal void Stop()
    {
        stopping = true;
        Wake();
        if (!IsCurrent)
        {
            thread.Join();
        }
    }

    private void Run(ManualResetEventSlim ready)
    {
        using (mailbox)
        using (wake)
        {
            SignalMailbox.BlockOnThisThread();
            Id = LibC.gettid();
            ready.Set();
            TimeSpan? next = null;
            while (!stopping)
            {
                Readiness.WaitForEither(mailbox.Descriptor, wake.Descriptor, next);

                // First empty, then look: what comes in between makes the next wait short.
                mailbox.Drain();
                wake.Reset();
                if (!stopping)
                {
                    next = look();
                }
            }
        }
    }
}
