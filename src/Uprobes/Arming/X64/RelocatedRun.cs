using System.Collections.Immutable;

namespace Uprobes.Arming.X64;

/// <summary>Several displaced instructions as they have to stand, one behind the other, to do elsewhere what they did at the site.</summary>
internal sealed record RelocatedRun
{
    /// <summary>The machine code; valid at the destination that it was made for.</summary>
    public required byte[] Code { get; init; }

    /// <summary>One for every instruction boundary of <see cref="Code"/>, ascending by offset; offsets count from the code's start.</summary>
    public required ImmutableArray<SlotPosition> Positions { get; init; }

    /// <summary>Where each displaced instruction's copy begins.</summary>
    public required ImmutableArray<RunMember> Members { get; init; }

    /// <summary>The displaced bytes at the site, whole instructions.</summary>
    public required int OriginalLength { get; init; }
}

/// <summary>One displaced instruction of a run.</summary>
/// <param name="Start">Where it is at the site, in bytes from its start.</param>
/// <param name="Length">Its bytes there.</param>
/// <param name="CodeStart">Where its copy begins, in bytes from the code's start.</param>
/// <param name="ControlFlow">Where execution goes after it.</param>
/// <param name="End">
/// The offset in the code at which it has been run and nothing else: the jump back of the last one, where that is the
/// only way out; otherwise its own start.
/// </param>
internal readonly record struct RunMember(int Start, int Length, int CodeStart, ControlFlowKind ControlFlow, int End);
