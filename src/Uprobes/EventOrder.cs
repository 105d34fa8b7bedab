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

    private readonly EventRecord _record = new();
    private List<Entry> _held = [];
    private List<Entry> _later = [];
    private ulong[] _words = new ulong[4096], _laterWords = new ulong[4096];
    private int _used;
    private long _count;
    private bool _isSorted = true;

    /// <summary>Takes an event.</summary>
    internal void Add(in EventView view, long timestamp, int processId)
    {
        int length = view.Words.Length;
        if (_used + length > _words.Length)
            Array.Resize(ref _words, 2 * (_used + length));
        view.Words.CopyTo(_words.AsSpan(_used));
        _isSorted &= _held.Count == 0 || view.Ticks >= _held[^1].Ticks;
        _held.Add(new Entry(timestamp, _count++, view.Shape, view.Slot, view.Number, view.ThreadId, view.Ticks, _used, length, processId));
        _used += length;
        if (_held.Count >= Most)
            Deliver(long.MaxValue);
    }

    /// <summary>Hands on what happened until a moment.</summary>
    internal void Deliver(long until)
    {
        if (_held.Count == 0)
            return;
        if (!_isSorted)
            _held.Sort(static (a, b) => a.Ticks != b.Ticks ? a.Ticks.CompareTo(b.Ticks) : a.Sequence.CompareTo(b.Sequence)); // Not by nanoseconds: their scale is refined between two rounds.
        (List<Entry> now, ulong[] words) = (_held, _words);
        (_held, _later) = (_later, now); // What the receiver throws at is not handed on again.
        (_words, _laterWords) = (_laterWords, words);
        (_used, _isSorted) = (0, true);
        try
        {
            foreach (ref readonly Entry entry in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(now))
            {
                if (entry.Timestamp <= until)
                {
                    _record.Point(entry.Shape, entry.Slot, entry.Number, entry.ThreadId, entry.Ticks, words, entry.Start);
                    events.Accept(_record, entry.Timestamp, entry.ProcessId);
                }
                else
                    Keep(entry, words);
            }
        }
        finally
        {
            now.Clear();
        }
    }

    private void Keep(in Entry entry, ulong[] words)
    {
        if (_used + entry.Length > _words.Length)
            Array.Resize(ref _words, 2 * (_used + entry.Length));
        words.AsSpan(entry.Start, entry.Length).CopyTo(_words.AsSpan(_used));
        _held.Add(entry with { Start = _used });
        _used += entry.Length;
    }

    private readonly record struct Entry(
        long Timestamp, long Sequence, EventShape Shape, int Slot, int Number, int ThreadId, ulong Ticks, int Start, int Length, int ProcessId);
}
