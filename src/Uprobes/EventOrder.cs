using Uprobes.Channels;

namespace Uprobes;

/// <summary>
/// Puts the events of several threads into the order of their time. Each thread's come one after the other, so what was read in one round is
/// collected here, and handed on up to the moment at which the round began: what the other threads sent until then has been read, too, but for
/// an event that its thread is just writing. Used by one thread.
/// </summary>
internal sealed class EventOrder(IQueryEvents events)
{
    /// <summary>How many events are held at most before they are handed on whatever their time.</summary>
    private const int Most = 1 << 16;

    private List<Entry> _held = [];
    private List<Entry> _later = [];
    private long _count;

    /// <summary>Takes an event.</summary>
    internal void Add(EventRecord record, long timestamp, int processId)
    {
        _held.Add(new Entry(timestamp, _count++, record, processId));
        if (_held.Count >= Most)
            Deliver(long.MaxValue);
    }

    /// <summary>Hands on what happened until a moment.</summary>
    internal void Deliver(long until)
    {
        if (_held.Count == 0)
            return;
        _held.Sort(static (a, b) => a.Timestamp != b.Timestamp ? a.Timestamp.CompareTo(b.Timestamp) : a.Number.CompareTo(b.Number));
        List<Entry> now = _held;
        (_held, _later) = (_later, now); // What the receiver throws at is not handed on again.
        try
        {
            foreach (Entry entry in now)
            {
                if (entry.Timestamp <= until)
                    events.Accept(entry.Record, entry.Timestamp, entry.ProcessId);
                else
                    _held.Add(entry);
            }
        }
        finally
        {
            now.Clear();
        }
    }

    private readonly record struct Entry(long Timestamp, long Number, EventRecord Record, int ProcessId);
}
