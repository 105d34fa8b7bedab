namespace Uprobes.Programs.Queries;

/// <summary>What one event or one key has, part by part. It comes from the target's memory, so that any value is possible.</summary>
internal abstract class StoredValues
{
    /// <summary>Which probe was hit, for cells without a key; the target has no say in it.</summary>
    internal virtual int Probe => -1;

    /// <summary>The thread, as it sees itself; events only.</summary>
    internal virtual int ThreadId => 0;

    /// <summary>Nanoseconds of CLOCK_MONOTONIC; events only.</summary>
    internal virtual long Timestamp => 0;

    /// <summary>A part that is an integer.</summary>
    internal abstract long Integer(int part);

    /// <summary>The bytes of a part that is a text.</summary>
    internal abstract ReadOnlySpan<byte> Text(int part);
}
