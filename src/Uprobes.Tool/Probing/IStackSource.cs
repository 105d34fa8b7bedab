using Uprobes.Stacks;

namespace Uprobes.Tool.Probing;

/// <summary>Finds and names the calls in stacks of a session's processes. Used by one thread at a time.</summary>
internal interface IStackSource : IDisposable
{
    /// <summary>Looks at what a process has mapped now, so that its stacks can be read when it has ended.</summary>
    void Look(int processId);

    /// <summary>Finds the calls.</summary>
    /// <param name="processId">Whose stack it is.</param>
    /// <param name="stack">What was captured.</param>
    /// <param name="frames">Takes addresses, innermost first.</param>
    StackUnwinding Unwind(int processId, scoped in CapturedStack stack, Span<ulong> frames);

    /// <summary>Names what <see cref="Unwind"/> found.</summary>
    /// <param name="processId">Whose stack it is.</param>
    /// <param name="frames">As they were found.</param>
    /// <param name="named">Takes a frame for each, and before it those of the calls that were inlined there.</param>
    void Symbolize(int processId, ReadOnlySpan<ulong> frames, List<StackFrame> named);
}
