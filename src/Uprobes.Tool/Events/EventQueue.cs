namespace Uprobes.Tool.Events;

/// <summary>
/// A ring of calls between the session's tracer thread, which must never wait, and the thread that prints. One producer
/// and one consumer at a time. All memory is taken at the start; a full ring drops the new call and counts it.
/// </summary>
internal sealed class EventQueue : IDisposable
{
    private readonly CallRecord[] _records;
    private readonly byte[] _payloads;
    private readonly int _payloadSize;
    private readonly AutoResetEvent _wakeUp = new(false);

    // Both count up for ever: an index is the count modulo the capacity. The head belongs to the consumer, the tail to the producer.
    private long _head;
    private long _tail;
    private long _dropped;
    private int _consumerWaits;
    private volatile bool _completed;

    /// <summary>A ring for <paramref name="capacity"/> calls.</summary>
    public EventQueue(int capacity, int payloadSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        _records = new CallRecord[capacity];
        // Not cleared: pages that no call ever reaches stay untouched.
        _payloads = GC.AllocateUninitializedArray<byte>(checked(capacity * payloadSize));
        _payloadSize = payloadSize;
    }

    /// <summary>How many calls were dropped so far because the ring was full.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Whether no more calls will come; those in the ring can still be taken.</summary>
    public bool IsCompleted => _completed;

    /// <summary>Adds a call. Never waits and never allocates. Returns false when the ring was full and the call was dropped.</summary>
    public bool TryEnqueue(in CallRecord record, ReadOnlySpan<byte> payload)
    {
        var tail = _tail;
        if (tail - Volatile.Read(ref _head) == _records.Length)
        {
            Interlocked.Increment(ref _dropped);
            return false;
        }
        var slot = (int)(tail % _records.Length);
        _records[slot] = record;
        payload.CopyTo(_payloads.AsSpan(slot * _payloadSize, _payloadSize));
        Volatile.Write(ref _tail, tail + 1);
        // The consumer sets its flag, then looks at the tail; here the tail is set, then the flag looked at: one of the
        // two sees the other, given the full fence that the exchange is.
        if (Interlocked.Exchange(ref _consumerWaits, 0) == 1)
            _wakeUp.Set();
        return true;
    }

    /// <summary>Takes the oldest call, copying its payload.</summary>
    public bool TryDequeue(out CallRecord record, Span<byte> payload)
    {
        var head = _head;
        if (head == Volatile.Read(ref _tail))
        {
            record = default;
            return false;
        }
        var slot = (int)(head % _records.Length);
        record = _records[slot];
        _payloads.AsSpan(slot * _payloadSize, _payloadSize).CopyTo(payload);
        Volatile.Write(ref _head, head + 1);
        return true;
    }

    /// <summary>Waits until a call may be there, the ring is completed, or the time is over.</summary>
    public void Wait(TimeSpan timeout)
    {
        Interlocked.Exchange(ref _consumerWaits, 1);
        if (_head == Volatile.Read(ref _tail) && !_completed)
            _wakeUp.WaitOne(timeout);
        Interlocked.Exchange(ref _consumerWaits, 0);
    }

    /// <summary>Says that no more calls will come.</summary>
    public void Complete()
    {
        _completed = true;
        _wakeUp.Set();
    }

    /// <inheritdoc/>
    public void Dispose() => _wakeUp.Dispose();
}
