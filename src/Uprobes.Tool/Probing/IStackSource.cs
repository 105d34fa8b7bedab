using Uprobes.Stacks;

namespace Uprobes.Tool.Probing;

/// <summary>Finds and names the calls in stacks of a session's processes. Used by one thread at a time.</summary>
internal interface IStackSource : IDisposable
{
    /// <summary>Looks at what a process has mapped now, so that its stacks can be read when it has ended.</summary>
    void Look(int processId);

    /// <summary>Finds the calls.</summary>
    /// <param name="processId">Whose stack it is.</param>
    /// <param name="timestamp">When it was captured, on the monotonic clock: a process may execute one program and then another.</param>
    /// <param name="stack">What was captured.</param>
    /// <param name="frames">Takes addresses, innermost first.</param>
    /// <param name="program">The number of the program that the addresses are of.</param>
    StackUnwinding Unwind(int processId, long timestamp, scoped in CapturedStack stack, Span<ulong> frames, out int program);

    /// <summary>Names what <see cref="Unwind"/> found.</summary>
    /// <param name="program">The program's number.</param>
    /// <param name="frames">As they were found.</param>
    /// <param name="named">Takes a frame for each, and before it those of the calls that were inlined there.</param>
    void Symbolize(int program, ReadOnlySpan<ulong> frames, List<StackFrame> named);
}
