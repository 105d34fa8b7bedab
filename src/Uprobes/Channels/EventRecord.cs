namespace Uprobes.Channels;

/// <summary>An event that was read from a ring.</summary>
internal sealed class EventRecord
{
    private EventShape _shape = null!;
    private ulong[] _words = [];
    private int _start;

    internal EventRecord(EventShape shape, int slot, int number, int threadId, ulong ticks, ulong[] words) => Point(shape, slot, number, threadId, ticks, words, 0);

    /// <summary>A record that stands for nothing yet.</summary>
    internal EventRecord()
    {
    }

    /// <summary>Which of the group's events.</summary>
    internal int Number { get; private set; }

    /// <summary>The thread, as the target says.</summary>
    internal int ThreadId { get; private set; }

    /// <summary>The time stamp counter, as the target says.</summary>
    internal ulong Ticks { get; private set; }

    /// <summary>The slot whose ring it was in.</summary>
    internal int Slot { get; private set; }

    /// <summary>The fields as they are stored.</summary>
    internal ReadOnlySpan<ulong> Words => _words.AsSpan(_start);

    /// <summary>A field that is an integer, in its type's sign.</summary>
    internal long Integer(int field) => _shape.Types[field].Wrap((long)_words[_start + _shape.Offsets[field]]);

    /// <summary>The bytes of a field that is a text.</summary>
    internal ReadOnlySpan<byte> Text(int field) => StoredValue.TextOf(_words.AsSpan(_start + _shape.Offsets[field], _shape.Types[field].StoredSize / 8));

    /// <summary>Whether bytes of a text are missing at its end.</summary>
    internal bool IsCut(int field) => StoredValue.IsCut(_words.AsSpan(_start + _shape.Offsets[field]));

    /// <summary>Has the same object stand for another event, so that millions need no object each.</summary>
    internal void Point(EventShape shape, int slot, int number, int threadId, ulong ticks, ulong[] words, int start) =>
        (_shape, Slot, Number, ThreadId, Ticks, _words, _start) = (shape, slot, number, threadId, ticks, words, start);
}
