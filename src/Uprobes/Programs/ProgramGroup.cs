using Uprobes.Channels;

namespace Uprobes.Programs;

/// <summary>What is done on a hit.</summary>
/// <param name="Body">The statements, in order.</param>
/// <param name="Locals">Types of the local variables; integers.</param>
internal sealed record ProbeProgram(IReadOnlyList<Statement> Body, IReadOnlyList<DataType> Locals);

/// <summary>
/// A compiled question: programs, the maps and events that they use, and how much room these get. One group serves any number of
/// probes, in any number of processes; each probe has its index in the group.
/// </summary>
internal sealed record ProgramGroup
{
    /// <summary>The ring's size of a group that asks for none.</summary>
    internal const int DefaultRingBytes = 1 << 20;

    /// <summary>Runs at the site.</summary>
    internal required ProbeProgram Entry { get; init; }

    /// <summary>Runs when a call that the entry program follows returns; null where none does.</summary>
    internal ProbeProgram? Return { get; init; }

    internal IReadOnlyList<MapDefinition> Maps { get; init; } = [];

    internal IReadOnlyList<EventDefinition> Events { get; init; } = [];

    /// <summary>Bytes of each thread's ring where there are events: a power of two.</summary>
    internal int RingBytes { get; init; } = DefaultRingBytes;

    /// <summary>Most threads of a process, a power of two. Hits of further ones are counted as lost.</summary>
    internal int ThreadSlots { get; init; } = 1024;

    /// <summary>The layout of the channel for a number of probes.</summary>
    internal ChannelLayout LayoutFor(int probes) => new(Maps, probes, ThreadSlots, Events.Count == 0 ? 0 : RingBytes);
}
