using System.Collections.Concurrent;

namespace Uprobes.Script.Running;

/// <summary>
/// Brings what happens on other threads to the thread that runs the script. Records of the target's threads, which wait meanwhile, never
/// wait here: beyond a limit they are dropped and counted.
/// </summary>
internal sealed class RunQueue(int mostRecords) : IDisposable
{
    private readonly BlockingCollection<(Action Action, bool IsRecord)> _items = new(new ConcurrentQueue<(Action, bool)>());
    private int _waiting;
    private long _dropped;

    /// <summary>Posts something that must not be lost.</summary>
    internal void Post(Action action) => _items.Add((action, false));

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

    /// <summary>Does the next thing; returns false when none came in time.</summary>
    internal bool RunNext(TimeSpan timeout)
    {
        if (!_items.TryTake(out (Action Action, bool IsRecord) item, timeout))
            return false;
        if (item.IsRecord)
            Interlocked.Decrement(ref _waiting);
        item.Action();
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _items.Dispose();
}
