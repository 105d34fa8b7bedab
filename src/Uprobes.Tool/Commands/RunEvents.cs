using System.Collections.Concurrent;

namespace Uprobes.Tool.Commands;

/// <summary>Something that the main thread of a run reacts to.</summary>
internal abstract record RunEvent
{
    /// <summary>Ctrl-C or a request to end.</summary>
    internal sealed record Interrupted : RunEvent;

    /// <summary>Every process has ended.</summary>
    internal sealed record Completed : RunEvent;

    /// <summary>As many calls as asked for were printed.</summary>
    internal sealed record LimitReached : RunEvent;

    /// <summary>Results can no longer be written.</summary>
    internal sealed record OutputEnded : RunEvent;

    /// <summary>Calls were lost.</summary>
    internal sealed record Lost(long Count) : RunEvent;

    /// <summary>The session has something to tell.</summary>
    internal sealed record Noticed(SessionNotice Notice) : RunEvent;
}

/// <summary>
/// Brings events from signal handlers, the printer and the session's tracer thread to the main thread. Posting never
/// waits: notices beyond a limit are counted instead of kept.
/// </summary>
internal sealed class RunEvents : IDisposable
{
    private const int MostNotices = 1000;
    private readonly BlockingCollection<RunEvent> _events = new(new ConcurrentQueue<RunEvent>());
    private int _waitingNotices;
    private long _droppedNotices;

    /// <summary>Notices that were not kept.</summary>
    public long DroppedNotices => Interlocked.Read(ref _droppedNotices);

    /// <summary>Posts an event. Any thread.</summary>
    public void Post(RunEvent runEvent)
    {
        if (runEvent is RunEvent.Noticed && Interlocked.Increment(ref _waitingNotices) > MostNotices)
        {
            Interlocked.Decrement(ref _waitingNotices);
            Interlocked.Increment(ref _droppedNotices);
            return;
        }
        _events.Add(runEvent);
    }

    /// <summary>Takes the next event, or null when none came in time.</summary>
    public RunEvent? Take(TimeSpan timeout)
    {
        if (!_events.TryTake(out var runEvent, timeout))
            return null;
        if (runEvent is RunEvent.Noticed)
            Interlocked.Decrement(ref _waitingNotices);
        return runEvent;
    }

    /// <inheritdoc/>
    public void Dispose() => _events.Dispose();
}
