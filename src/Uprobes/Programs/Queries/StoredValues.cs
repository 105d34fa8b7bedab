using System.Buffers.Binary;
using System.Text;
using Uprobes.Channels;

namespace Uprobes.Programs.Queries;

/// <summary>
/// The values that one event or one key has, as they lie in a channel. They come from the target's memory: every length is checked
/// against what the definition says.
/// </summary>
/// <param name="bytes">The fields, <see cref="DataType.StoredSize"/> bytes each.</param>
/// <param name="probe">Which probe was hit, from 0; as the program says where it is a field.</param>
/// <param name="threadId">The event's thread, as its header says; 0 for keys.</param>
/// <param name="timestamp">The event's time in nanoseconds of CLOCK_MONOTONIC; 0 for keys.</param>
internal readonly ref struct StoredValues(ReadOnlySpan<byte> bytes, int probe = 0, uint threadId = 0, long timestamp = 0)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    internal int Probe { get; } = probe;

    internal uint ThreadId { get; } = threadId;

    internal long Timestamp { get; } = timestamp;

    /// <summary>The integer at an offset.</summary>
    internal long Integer(int offset) => BinaryPrimitives.ReadInt64LittleEndian(_bytes[offset..]);

    /// <summary>The text at an offset, as UTF-8 (malformed bytes become U+FFFD).</summary>
    internal string Text(int offset, int capacity)
    {
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(_bytes[offset..]);
        return Encoding.UTF8.GetString(_bytes.Slice(offset + 8, (int)Math.Min(length, (uint)capacity)));
    }
}
