using Uprobes.Tool.Stacks;

namespace Uprobes.Tool.Commands;

/// <summary>What flame is asked for.</summary>
/// <param name="Probing">Where and how; without the file, which is written when all is known.</param>
/// <param name="Query">The program.</param>
/// <param name="Depth">How many calls of a stack are looked at.</param>
internal sealed record FlameRequest(ProbingRequest Probing, StackQuery Query, int Depth)
{
    /// <summary>The file that is written; null for standard output.</summary>
    public string? Path { get; init; }

    /// <summary>What stands above the graph.</summary>
    public required string Title { get; init; }

    /// <summary>Whether the outermost call is at the top.</summary>
    public bool IsInverted { get; init; }

    /// <summary>Whether lines of stacks are written instead of a graph.</summary>
    public bool IsFolded { get; init; }
}
