using Uprobes.Channels;

namespace Uprobes;

/// <summary>Takes a run's events. Called by one thread at a time, which must not be kept waiting.</summary>
internal interface IQueryEvents
{
    /// <summary>Takes one event.</summary>
    /// <param name="record">What the program sent; valid until this returns.</param>
    /// <param name="timestamp">When: nanoseconds of CLOCK_MONOTONIC.</param>
    /// <param name="processId">The process whose memory it was in, in the tracer's view.</param>
    void Accept(EventRecord record, long timestamp, int processId);

    /// <summary>There will be no more: every process has ended, or the session has. Called once, with what ended it early or null.</summary>
    void Complete(Exception? error);
}
