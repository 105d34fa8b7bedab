using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Stacks;

/// <summary>What a run has found of stacks.</summary>
internal sealed record StackResults
{
    /// <summary>The probes, by their numbers.</summary>
    public required IReadOnlyList<PlannedProbe> Probes { get; init; }

    /// <summary>The stacks, the most first.</summary>
    public required IReadOnlyList<HotStack> Stacks
    {
        get;
        init => (field, Total) = (value, value.Aggregate(Int128.Zero, static (sum, stack) => sum + stack.Sum));
    }

    /// <summary>What is summed up, as the user wrote it; null where calls are counted.</summary>
    public string? Value { get; init; }

    /// <summary>Of how many calls one was looked at.</summary>
    public int OneOf { get; init; } = 1;

    /// <summary>All calls that were wanted, also those whose stack was not looked at or was lost.</summary>
    public long Calls { get; init; }

    /// <summary>The sum over all stacks, against which shares are reckoned.</summary>
    public Int128 Total { get; private init; }

    /// <summary>A stack's share of it, 0 to 1; 0 where there is nothing to share.</summary>
    public double Share(HotStack stack) => Total > 0 ? (double)stack.Sum / (double)Total : 0;
}
