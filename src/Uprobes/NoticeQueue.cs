using Uprobes.Processes;

namespace Uprobes;

/// <summary>
/// Brings notices to those who want them. What the tracer thread has to tell waits until the operation that it is in is done: a
/// receiver may use the session, and nothing may change under an operation.
/// </summary>
internal sealed class NoticeQueue(TracerThread thread)
{
    private readonly Queue<SessionNotice> _waiting = [];
    private int _operations;
    private bool _posted;

    /// <summary>Called with each notice; on the tracer thread mostly.</summary>
    internal event Action<SessionNotice>? Raised;

    /// <summary>What the first receiver that failed threw. It was removed then.</summary>
    internal Exception? ReceiverError { get; private set; }

    /// <summary>Takes a notice. Any thread.</summary>
    internal void Add(SessionNotice notice)
    {
        if (!thread.IsCurrent)
        {
            Raise(notice);
            return;
        }

        _waiting.Enqueue(notice);
        if (_operations > 0 || _posted)
            return;
        _posted = true;
        thread.Post(() =>
        {
            _posted = false;
            RaiseWaiting();
        });
    }

    /// <summary>Runs an operation on the tracer thread, and then brings what it had to tell, before it returns to the caller.</summary>
    internal T Run<T>(Func<T> operation) => thread.Invoke(() =>
    {
        _operations++;
        try
        {
            return operation();
        }
        finally
        {
            if (--_operations == 0)
                RaiseWaiting();
        }
    });

    /// <inheritdoc cref="Run{T}"/>
    internal void Run(Action operation) => Run(() =>
    {
        operation();
        return true;
    });

    private void RaiseWaiting()
    {
        while (_waiting.TryDequeue(out SessionNotice? notice))
            Raise(notice);
    }

    /// <summary>A receiver that throws must not take the thread down that serves all tracees: it is removed, and the others are told.</summary>
    private void Raise(SessionNotice notice)
    {
        foreach (Action<SessionNotice> receiver in Delegate.EnumerateInvocationList(Raised))
        {
            try
            {
                receiver(notice);
            }
            catch (Exception e) // Any: the receiver is the user's code.
            {
                Raised -= receiver;
                ReceiverError ??= e;
                Add(new SessionNotice(NoticeKind.HandlerFailed, $"a receiver of notices failed and was removed: {e.GetType().Name}: {e.Message}"));
            }
        }
    }
}
