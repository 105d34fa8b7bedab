using Uprobes.Channels;

namespace Uprobes.Programs.Queries;

/// <summary>The fields of an event.</summary>
/// <param name="record">The event.</param>
/// <param name="timestamp">Its time: nanoseconds of CLOCK_MONOTONIC.</param>
internal sealed class EventValues(EventRecord record, long timestamp) : StoredValues
{
    internal override int ThreadId => record.ThreadId;

    internal override long Timestamp => timestamp;

    internal override long Integer(int part) => record.Integer(part);

    internal override ReadOnlySpan<byte> Text(int part) => record.Text(part);
}
