using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>What was armed in an address space at the moment when a fork copied it (see <see cref="SpaceArming.Snapshot"/>).</summary>
internal sealed record ForkedSpace(
    Site[] Sites, SlotChunk[] Chunks, SafetyNet? Net, SpaceArming.MappingKey[] Known, Mapping[] Executable, int ArmedVersion,
    ReturnTracker Returns, ForkedExits Exits, RemoteAddress? CallArea);

/// <summary>What was known of the ways out of followed calls at that moment.</summary>
internal sealed record ForkedExits(bool HasHooks, bool KnowsJumps, StackMap Stacks, KeyValuePair<ulong, bool>[] CallWatches);
