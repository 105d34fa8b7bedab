namespace Uprobes.Tool.Events;

/// <summary>A call as it waits to be printed; its arguments and strings are in the payload beside it.</summary>
/// <param name="Probe">The index of the probe that was hit.</param>
/// <param name="ProcessId">The process.</param>
/// <param name="ThreadId">The thread.</param>
/// <param name="TimeNanoseconds">When the call began, CLOCK_MONOTONIC.</param>
/// <param name="DurationNanoseconds">From entry to return; 0 where returns are not traced.</param>
/// <param name="Result">The return value; 0 where returns are not traced.</param>
internal readonly record struct CallRecord(
    int Probe, int ProcessId, int ThreadId, long TimeNanoseconds, long DurationNanoseconds = 0, ulong Result = 0);
