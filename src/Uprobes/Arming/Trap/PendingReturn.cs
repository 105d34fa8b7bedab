namespace Uprobes.Arming.Trap;

/// <summary>A call whose return is awaited.</summary>
/// <param name="ReturnAddress">Where it will return to.</param>
/// <param name="StackPointer">RSP right after the return: what tells this invocation from all others.</param>
/// <param name="Function">The address of the function's first instruction.</param>
/// <param name="ProcessId">The process that called: a vfork child runs in its parent's memory, on its parent's stack.</param>
/// <param name="ThreadId">The thread that called. A coroutine may return on another.</param>
/// <param name="EntryTimestamp">Nanoseconds of CLOCK_MONOTONIC.</param>
/// <param name="Sink">Who wants to know.</param>
/// <param name="State">What its entry handler gave.</param>
internal sealed record PendingReturn(
    ulong ReturnAddress, ulong StackPointer, ulong Function, int ProcessId, int ThreadId, long EntryTimestamp, IReturnSink Sink, object? State);
