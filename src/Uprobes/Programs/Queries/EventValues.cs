using Uprobes.Channels;

namespace Uprobes.Programs.Queries;

/// <summary>The fields of an event; one object stands for one event after the other.</summary>
internal sealed class EventValues : StoredValues
{
    private EventRecord _record = null!;
    private long _timestamp;

    internal override int ThreadId => _record.ThreadId;

    internal override long Timestamp => _timestamp;

    internal override long Integer(int part) => _record.Integer(part);

    internal override ReadOnlySpan<byte> Text(int part) => _record.Text(part);

    /// <summary>Stands for another event.</summary>
    /// <param name="record">The event.</param>
    /// <param name="timestamp">Its time: nanoseconds of CLOCK_MONOTONIC.</param>
    internal EventValues Of(EventRecord record, long timestamp)
    {
        (_record, _timestamp) = (record, timestamp);
        return this;
    }
}
