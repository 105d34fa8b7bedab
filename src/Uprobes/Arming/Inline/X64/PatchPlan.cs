using System.Collections.Immutable;
using Uprobes.Images;

namespace Uprobes.Arming.Inline.X64;

/// <summary>
/// What has to be written where, so that a thread that comes to a site goes to a trampoline. File offsets and link-time addresses
/// only: one plan serves every process that maps the image. Immutable.
/// </summary>
internal sealed record PatchPlan
{
    /// <summary>Bytes of <c>jmp rel32</c> (E9).</summary>
    internal const int JumpLength = 5;

    /// <summary>Bytes of <c>jmp rel8</c> (EB).</summary>
    internal const int ShortJumpLength = 2;

    /// <summary>The site.</summary>
    internal required FileOffset Offset { get; init; }

    /// <summary>Its link-time address.</summary>
    internal required LinkAddress Address { get; init; }

    /// <summary>How it is patched.</summary>
    internal required PatchTactic Tactic { get; init; }

    /// <summary>
    /// The whole instructions that the trampoline has to run instead: the original bytes from the site on, without padding.
    /// For <see cref="PatchTactic.JoinsNeighbour"/> the one instruction.
    /// </summary>
    internal required ImmutableArray<byte> Displaced { get; init; }

    /// <summary>Where in <see cref="Displaced"/> its instructions start; ascending, the first is 0.</summary>
    internal required ImmutableArray<int> Boundaries { get; init; }

    /// <summary>
    /// The original bytes that the patch overwrites at the site: 5, or 2 with a springboard, none for a joined or a redirected site. All in one page. Where the
    /// displaced instructions are longer, the rest of them stays as it is: nothing starts there. Where they are shorter, padding follows.
    /// </summary>
    internal required ImmutableArray<byte> Overwritten { get; init; }

    /// <summary>Where the 5-byte jump of a springboard goes; written before the site is. All in one page.</summary>
    internal FileOffset? Springboard { get; init; }

    /// <summary>The link-time address of the same.</summary>
    internal LinkAddress? SpringboardAddress { get; init; }

    /// <summary>The original 5 bytes there.</summary>
    internal ImmutableArray<byte> SpringboardOverwritten { get; init; } = [];

    /// <summary>The branches that are led to the trampoline, for <see cref="PatchTactic.Redirect"/>: all that lead to the site. In any order, one by one.</summary>
    internal ImmutableArray<RedirectedBranch> Redirected { get; init; } = [];

    /// <summary>The site whose patch displaces this one's instruction, for <see cref="PatchTactic.JoinsNeighbour"/>. That patch must stay as long as this plan.</summary>
    internal FileOffset? Neighbour { get; init; }

    /// <summary>
    /// Where a thread goes on behind the displaced instructions, if the last of them lets it. Return addresses may point there (a call can be the
    /// last displaced instruction), but never between.
    /// </summary>
    internal LinkAddress Next => Address + (ulong)Displaced.Length;
}
