using Uprobes.Tool.Stacks;

namespace Uprobes.Tool.Commands;

/// <summary>What stack is asked for.</summary>
/// <param name="Probing">Where and how.</param>
/// <param name="Query">The program.</param>
/// <param name="Depth">How many calls of a stack are looked at.</param>
internal sealed record StackRequest(ProbingRequest Probing, StackQuery Query, int Depth)
{
    /// <summary>How many stacks are shown as text.</summary>
    public int Top { get; init; } = 10;

    /// <summary>How often to print and go on, or null.</summary>
    public TimeSpan? Interval { get; init; }
}
