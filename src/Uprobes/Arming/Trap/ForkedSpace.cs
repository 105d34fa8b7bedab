using Uprobes.Arming.Inline;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>What was armed in an address space at the moment when a fork copied it (see <see cref="SpaceArming.Snapshot"/>).</summary>
internal sealed record ForkedSpace(
    Site[] Sites, SlotChunk[] Chunks, SafetyNet? Net, SpaceArming.MappingKey[] Known, Mapping[] Executable, int ArmedVersion,
    ReturnTracker Returns, ForkedExits Exits, ulong[] ActionCalls, RemoteAddress? CallArea, ForkedInline Inline,
    KeyValuePair<ulong, HeldSemaphore>[] Semaphores)
{
    /// <summary>Whether mappings can be those of a copy: all memory of ours and the same text are in them.</summary>
    internal bool IsIn(IReadOnlyList<Mapping> mappings) => Total == CountIn(mappings);

    /// <summary>How much of it is in mappings: pieces of memory of ours, and of text.</summary>
    internal int CountIn(IReadOnlyList<Mapping> mappings) =>
        (Net is not null && Holds(mappings, Net.Start) ? 1 : 0) + Chunks.Count(c => Holds(mappings, c.Start))
        + Executable.Count(e => e.HasFile && mappings.Any(m => m.Start == e.Start && m.Inode == e.Inode && m.FileOffset == e.FileOffset));

    private int Total => (Net is null ? 0 : 1) + Chunks.Length + Executable.Count(e => e.HasFile);

    private static bool Holds(IReadOnlyList<Mapping> mappings, ulong start) =>
        mappings.Any(m => m.Contains(start) && m.IsExecutable && !m.HasFile);
}

/// <summary>What was known of the ways out of followed calls at that moment.</summary>
internal sealed record ForkedExits(bool HasHooks, bool KnowsJumps, StackMap Stacks, KeyValuePair<ulong, bool>[] CallWatches);
