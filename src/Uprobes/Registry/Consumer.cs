using Uprobes.Arming;
using Uprobes.Arming.Trap;

namespace Uprobes.Registry;

/// <summary>One registered handler of a uprobe. Changed on the tracer thread; the counts may be read from any.</summary>
internal sealed class Consumer(Uprobe uprobe, ConsumerCallbacks callbacks, Func<int, bool>? filter, IRegistryEvents events) : IReturnSink
{
    private long _hits;
    private long _lostReturns;
    private volatile bool _isActive = true;

    internal Uprobe Uprobe { get; } = uprobe;

    internal bool IsActive => _isActive;

    internal long Hits => Volatile.Read(ref _hits);

    internal long LostReturns => Volatile.Read(ref _lostReturns);

    internal bool WantsPost => callbacks.Post is not null;

    internal void Deactivate() => _isActive = false;

    internal void OnHit(HitContext hit)
    {
        if (!Wants(hit))
            return;
        Volatile.Write(ref _hits, _hits + 1);
        Guarded(() => callbacks.Pre?.Invoke(hit));
        if (callbacks.Return is null && callbacks.Entry is null)
            return;
        (bool Follow, object? State) entry = (true, null);
        Guarded(() => entry = callbacks.Entry?.Invoke(hit) ?? entry);
        if (entry.Follow && callbacks.Return is not null && _isActive)
            hit.FollowReturn(this, entry.State);
    }

    internal void OnPost(HitContext hit)
    {
        if (callbacks.Post is not null && Wants(hit))
            Guarded(() => callbacks.Post(hit));
    }

    internal bool OnFault(HitContext hit, int signal)
    {
        bool deliver = true;
        if (callbacks.Fault is not null && Wants(hit))
            Guarded(() => deliver = callbacks.Fault(hit, signal));
        return deliver;
    }

    public void OnReturn(ReturnContext context)
    {
        if (_isActive)
            Guarded(() => callbacks.Return!(context));
    }

    public void OnReturnLost(string reason, int processId)
    {
        if (Interlocked.Increment(ref _lostReturns) == 1)
            events.OnReturnLost(this, reason, processId);
    }

    private bool Wants(HitContext hit)
    {
        if (filter is null || !_isActive)
            return _isActive;
        bool wants = false;
        Guarded(() => wants = filter(hit.Thread.Process.ProcessId));
        return wants && _isActive;
    }

    /// <summary>A handler that throws must not take the tracer thread, and with it all tracees, down: it is removed, and its error is told.</summary>
    private void Guarded(Action call)
    {
        try
        {
            call();
        }
        catch (Exception e) // Any: the handler is the user's code.
        {
            events.OnHandlerFailed(this, e);
        }
    }
}
