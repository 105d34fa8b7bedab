using Uprobes.Stacks;

namespace Uprobes.Tool.Stacks;

/// <summary>A stack, and what came together on it.</summary>
/// <param name="Probe">The index of the probe that was hit.</param>
/// <param name="Frames">The calls, innermost first, inlined ones among them.</param>
/// <param name="IsCut">Whether there were more than could be captured.</param>
/// <param name="Count">How often it was seen.</param>
/// <param name="Sum">The sum of the values that go with it; the same as the count where there are none.</param>
internal sealed record HotStack(int Probe, IReadOnlyList<StackFrame> Frames, bool IsCut, long Count, Int128 Sum);
