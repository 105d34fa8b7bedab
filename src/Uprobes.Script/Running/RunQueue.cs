using System.Collections.Concurrent;

namespace Uprobes.Script.Running;

/// <summary>
/// Brings what happens on other threads to the thread that runs the script. Records of the target's threads, which wait meanwhile, never
/// wait here: beyond a limit they are dropped and counted.
/// </summary>
internal sealed class RunQueue(int mostRecords) : IDisposable
{
    private readonly BlockingCollection<(Action Action, bool IsRecord)> _items = new(new ConcurrentQueue<(Action, bool)>());
    private readonly Queue<Action> _deferred = new();
    private int _waiting;
    private long _dropped;

    /// <summary>Posts something that must not be lost while the run goes on.</summary>
    internal void Post(Action action)
    {
        try
        {
            _items.Add((action, false));
        }
        catch (ObjectDisposedException)
        {
            // The run is over: nobody wants to know any more that its processes have ended.
        }
    }

    /// <summary>Posts a record of a thread of the target.</summary>
    internal void PostRecord(Action action)
    {
        if (Interlocked.Increment(ref _waiting) > mostRecords)
        {
            Interlocked.Decrement(ref _waiting);
            Interlocked.Increment(ref _dropped);
            return;
        }

        _items.Add((action, true));
    }

    /// <summary>How many records were dropped since the last call.</summary>
    internal long TakeDropped() => Interlocked.Exchange(ref _dropped, 0);

    /// <summary>Does the next thing; returns false when none came in time. For the thread that runs the script.</summary>
    internal bool RunNext(TimeSpan timeout)
    {
        if (_deferred.TryDequeue(out Action? deferred))
            deferred();
        else if (_items.TryTake(out (Action Action, bool IsRecord) item, timeout))
            Done(item).Invoke();
        else
            return false;
        return true;
    }

    /// <summary>Writes the records that have come, in the middle of an action: everything else waits for the next <see cref="RunNext"/>.</summary>
    internal void RunRecords()
    {
        while (_items.TryTake(out (Action Action, bool IsRecord) item, TimeSpan.Zero))
        {
            if (item.IsRecord)
                Done(item).Invoke();
            else
                _deferred.Enqueue(item.Action);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _items.Dispose();

    private Action Done((Action Action, bool IsRecord) item)
    {
        if (item.IsRecord)
            Interlocked.Decrement(ref _waiting);
        return item.Action;
    }
}
