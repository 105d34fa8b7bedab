using Uprobes.Stacks;

namespace Uprobes.Tool.Probing;

/// <summary>Stacks of a session of the library.</summary>
internal sealed class LiveStacks(UprobeSession session) : IStackSource
{
    private readonly SessionStacks _stacks = new(session);

    /// <inheritdoc/>
    public void Look(int processId) => _stacks.Look(processId);

    /// <inheritdoc/>
    public StackUnwinding Unwind(int processId, long timestamp, scoped in CapturedStack stack, Span<ulong> frames, out int program) =>
        _stacks.Unwind(processId, timestamp, stack, frames, out program);

    /// <inheritdoc/>
    public void Symbolize(int program, ReadOnlySpan<ulong> frames, List<StackFrame> named) => _stacks.Symbolize(program, frames, named);

    /// <inheritdoc/>
    public void Dispose() => _stacks.Dispose();
}
