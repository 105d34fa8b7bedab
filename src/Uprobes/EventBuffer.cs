namespace Uprobes;

/// <summary>
/// Values on their way from the thread that reads events to the one loop that consumes them. The consumer takes all that are there at once, so that
/// millions a second cost no switch each. One adds, one reads; anyone may complete it.
/// </summary>
/// <param name="capacity">How many wait at most, beside those that the loop has taken.</param>
internal sealed class EventBuffer<T>(int capacity)
{
    private readonly Lock _gate = new();
    private T[] _waiting = new T[256];

    /// <summary>What the loop has taken; where one is left, the next goes on with the rest.</summary>
    private T[] _taken = new T[256];
    private int _count, _takenCount, _index = -1;
    private bool _isComplete, _isRead;
    private Exception? _error;
    private TaskCompletionSource? _signal;

    /// <summary>Adds a value; false where there are too many or it has been completed.</summary>
    internal bool TryAdd(T value)
    {
        TaskCompletionSource? signal;
        lock (_gate)
        {
            if (_isComplete || _count == capacity)
                return false;
            if (_count == _waiting.Length)
                Array.Resize(ref _waiting, Math.Min(capacity, 2 * _count));
            _waiting[_count++] = value;
            (signal, _signal) = (_signal, null);
        }

        signal?.TrySetResult();
        return true;
    }

    /// <summary>There will be no more. Only the first call counts.</summary>
    internal void Complete(Exception? error)
    {
        TaskCompletionSource? signal;
        lock (_gate)
        {
            if (_isComplete)
                return;
            (_isComplete, _error) = (true, error);
            (signal, _signal) = (_signal, null);
        }

        signal?.TrySetResult();
    }

    /// <summary>The values that come, until it is complete and empty.</summary>
    internal IAsyncEnumerator<T> Read(CancellationToken cancellation) => new Reader(this, cancellation);

    private sealed class Reader(EventBuffer<T> buffer, CancellationToken cancellation) : IAsyncEnumerator<T>
    {
        private bool _hasBegun;

        public T Current => buffer._taken[buffer._index];

        public ValueTask<bool> MoveNextAsync()
        {
            if (cancellation.IsCancellationRequested)
                return ValueTask.FromCanceled<bool>(cancellation);
            if (!_hasBegun)
                Begin();
            return buffer._index + 1 < buffer._takenCount ? Advance() : TakeAsync();
        }

        public ValueTask DisposeAsync()
        {
            if (_hasBegun)
                Volatile.Write(ref buffer._isRead, false);
            _hasBegun = false;
            return ValueTask.CompletedTask;
        }

        private void Begin()
        {
            if (Interlocked.Exchange(ref buffer._isRead, true))
                throw new InvalidOperationException("these events are being read by another loop already");
            _hasBegun = true;
        }

        private ValueTask<bool> Advance()
        {
            buffer._index++;
            return new ValueTask<bool>(true);
        }

        private async ValueTask<bool> TakeAsync()
        {
            Array.Clear(buffer._taken, 0, buffer._takenCount);
            (buffer._index, buffer._takenCount) = (-1, 0);
            while (true)
            {
                TaskCompletionSource signal;
                lock (buffer._gate)
                {
                    if (buffer._count > 0)
                    {
                        (buffer._taken, buffer._waiting) = (buffer._waiting, buffer._taken);
                        (buffer._takenCount, buffer._count) = (buffer._count, 0);
                        buffer._index = 0;
                        return true;
                    }

                    if (buffer._isComplete)
                        return buffer._error is null ? false : throw buffer._error;
                    buffer._signal = signal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }

                await signal.Task.WaitAsync(cancellation).ConfigureAwait(false);
            }
        }
    }
}
