using Uprobes.Arming;
using Uprobes.Arming.Inline;
using Uprobes.Arming.Trap;

namespace Uprobes.Registry;

/// <summary>One registered handler of a uprobe. Changed on the tracer thread; the counts may be read from any.</summary>
internal sealed class Consumer(Uprobe uprobe, ConsumerCallbacks callbacks, Func<int, bool>? filter, IRegistryEvents events) : IReturnSink
{
    private long _hits;
    private long _lostReturns;
    private volatile bool _isActive = true;
    private volatile bool _isEnabled = true;

    internal Uprobe Uprobe { get; } = uprobe;

    /// <summary>The semaphore of the static probe that it wants to see; null for none.</summary>
    internal SemaphorePlace? Semaphore { get; init; }

    /// <summary>What runs in the target instead, where the site can be patched; null for a handler of the tracer's.</summary>
    internal ProgramBinding? Program => filter is null ? callbacks.Program : null;

    internal bool IsActive => _isActive;

    /// <summary>Whether it is called on hits. Sites in the targets' own hands follow when the engine is told.</summary>
    internal bool IsEnabled
    {
        get => _isEnabled;
        set
        {
            _isEnabled = value;
            if (callbacks.Program is { } program)
                program.Switch.IsOn = value;
        }
    }

    internal long Hits => Volatile.Read(ref _hits);

    internal long LostReturns => Volatile.Read(ref _lostReturns);

    internal bool WantsPost => callbacks.Post is not null;

    internal bool WantsReturns => callbacks.Return is not null;

    internal void Deactivate() => _isActive = false;

    internal void OnHit(HitContext hit)
    {
        if (!Wants(hit))
            return;
        Volatile.Write(ref _hits, _hits + 1);
        try
        {
            callbacks.Pre?.Invoke(hit);
            if (callbacks.Return is null && callbacks.Entry is null)
                return;
            (bool follow, object? state) = callbacks.Entry?.Invoke(hit) ?? (true, null);
            if (follow && callbacks.Return is not null && _isActive)
                hit.FollowReturn(this, state);
        }
        catch (Exception e) // Any: the handler is the user's code.
        {
            OnFailed(e);
        }
    }

    internal void OnPost(HitContext hit)
    {
        if (callbacks.Post is null || !Wants(hit))
            return;
        try
        {
            callbacks.Post(hit);
        }
        catch (Exception e) // Any: the handler is the user's code.
        {
            OnFailed(e);
        }
    }

    internal bool OnFault(HitContext hit, int signal)
    {
        if (callbacks.Fault is null || !Wants(hit))
            return true;
        try
        {
            return callbacks.Fault(hit, signal);
        }
        catch (Exception e) // Any: the handler is the user's code.
        {
            OnFailed(e);
            return true;
        }
    }

    public void OnReturn(ReturnContext context)
    {
        if (!_isActive || !_isEnabled)
            return;
        try
        {
            callbacks.Return!(context);
        }
        catch (Exception e) // Any: the handler is the user's code.
        {
            OnFailed(e);
        }
    }

    public void OnReturnLost(string reason, int processId)
    {
        if (Interlocked.Increment(ref _lostReturns) == 1)
            events.OnReturnLost(this, reason, processId);
    }

    private bool Wants(HitContext hit)
    {
        if (filter is null || !_isActive || !_isEnabled)
            return _isActive && _isEnabled;
        try
        {
            return filter(hit.Thread.Process.ProcessId) && _isActive;
        }
        catch (Exception e) // Any: the filter is the user's code.
        {
            OnFailed(e);
            return false;
        }
    }

    /// <summary>A handler that throws must not take the tracer thread, and with it all tracees, down: its consumer is removed, and its error is told.</summary>
    private void OnFailed(Exception error) => events.OnHandlerFailed(this, error);
}
