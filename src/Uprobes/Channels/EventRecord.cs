namespace Uprobes.Channels;

/// <summary>An event that was read from a ring.</summary>
internal sealed class EventRecord
{
    private readonly EventShape _shape;
    private readonly ulong[] _words;

    internal EventRecord(EventShape shape, int slot, int number, int threadId, ulong ticks, ulong[] words) =>
        (_shape, Slot, Number, ThreadId, Ticks, _words) = (shape, slot, number, threadId, ticks, words);

    /// <summary>Which of the group's events.</summary>
    internal int Number { get; }

    /// <summary>The thread, as the target says.</summary>
    internal int ThreadId { get; }

    /// <summary>The time stamp counter, as the target says.</summary>
    internal ulong Ticks { get; }

    /// <summary>The slot whose ring it was in.</summary>
    internal int Slot { get; }

    /// <summary>The fields as they are stored.</summary>
    internal ReadOnlySpan<ulong> Words => _words;

    /// <summary>A field that is an integer, in its type's sign.</summary>
    internal long Integer(int field) => _shape.Types[field].Wrap((long)_words[_shape.Offsets[field]]);

    /// <summary>The bytes of a field that is a text.</summary>
    internal ReadOnlySpan<byte> Text(int field) => StoredValue.TextOf(_words.AsSpan(_shape.Offsets[field], _shape.Types[field].StoredSize / 8));

    /// <summary>Whether bytes of a text are missing at its end.</summary>
    internal bool IsCut(int field) => StoredValue.IsCut(_words.AsSpan(_shape.Offsets[field]));
}
