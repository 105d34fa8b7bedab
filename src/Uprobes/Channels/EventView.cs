namespace Uprobes.Channels;

/// <summary>An event while it is read: a copy of the record that is valid until the visitor returns.</summary>
internal readonly ref struct EventView
{
    private readonly EventShape _shape;

    internal EventView(EventShape shape, int slot, ulong header, ReadOnlySpan<ulong> record)
    {
        (_shape, Slot, Number, ThreadId, Ticks) = (shape, slot, RingRecord.NumberOf(header), RingRecord.ThreadIdOf(header), record[1]);
        Words = record[2..];
    }

    /// <summary>Where its fields are.</summary>
    internal EventShape Shape => _shape;

    /// <summary>Which of the group's events.</summary>
    internal int Number { get; }

    /// <summary>The thread, as the target says.</summary>
    internal int ThreadId { get; }

    /// <summary>The time stamp counter, as the target says; see <see cref="TickClock"/>.</summary>
    internal ulong Ticks { get; }

    /// <summary>The slot whose ring it was in. Events of one slot come in their order.</summary>
    internal int Slot { get; }

    /// <summary>The fields as they are stored.</summary>
    internal ReadOnlySpan<ulong> Words { get; }

    /// <summary>A field that is an integer, in its type's sign.</summary>
    internal long Integer(int field) => _shape.Types[field].Wrap((long)Words[_shape.Offsets[field]]);

    /// <summary>The bytes of a field that is a text.</summary>
    internal ReadOnlySpan<byte> Text(int field) => StoredValue.TextOf(Words.Slice(_shape.Offsets[field], _shape.Types[field].StoredSize / 8));

    /// <summary>Whether bytes of a text are missing at its end.</summary>
    internal bool IsCut(int field) => StoredValue.IsCut(Words[_shape.Offsets[field]..]);

    /// <summary>The event as an object of its own.</summary>
    internal EventRecord ToRecord() => new(_shape, Slot, Number, ThreadId, Ticks, Words.ToArray());
}

/// <summary>Takes events from a <see cref="RingReader"/>.</summary>
internal interface IEventVisitor
{
    /// <summary>An event was read.</summary>
    void Visit(in EventView view);
}
