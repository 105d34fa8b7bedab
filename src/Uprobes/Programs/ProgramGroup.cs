using Uprobes.Channels;

namespace Uprobes.Programs;

/// <summary>What is done on a hit.</summary>
/// <param name="Body">The statements, in order.</param>
/// <param name="Locals">Types of the local variables; integers.</param>
internal sealed record ProbeProgram(IReadOnlyList<Statement> Body, IReadOnlyList<DataType> Locals);

/// <summary>What is done at one probe.</summary>
/// <param name="Entry">Runs at the site.</param>
/// <param name="Return">Runs when a call that the entry program follows returns; null where none does.</param>
internal sealed record ProbePrograms(ProbeProgram Entry, ProbeProgram? Return);

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

    /// <summary>
    /// Where the probes do different things with the same maps and events: what each does, by its index. Empty where all of them
    /// have <see cref="Entry"/> and <see cref="Return"/>, which count for none of them otherwise.
    /// </summary>
    internal IReadOnlyList<ProbePrograms> OfProbes { get; init; } = [];

    internal IReadOnlyList<MapDefinition> Maps { get; init; } = [];

    /// <summary>What maps of kind <see cref="AggregateKind.Value"/> with a key hold in every process from the start.</summary>
    internal IReadOnlyList<(int Map, MapKey Key, long Value)> Presets { get; init; } = [];

    internal IReadOnlyList<EventDefinition> Events { get; init; } = [];

    /// <summary>Bytes of each thread's ring where there are events: a power of two.</summary>
    internal int RingBytes { get; init; } = DefaultRingBytes;

    /// <summary>Most threads of a process, a power of two. Hits of further ones are counted as lost.</summary>
    internal int ThreadSlots { get; init; } = 1024;

    /// <summary>Whether a program reads what other hits have written, so that all programs of a process have to share one memory.</summary>
    internal bool SharesValues => Maps.Any(m => m.IsShared);

    /// <summary>The group as a probe sees it: all of whose probes do what this one does.</summary>
    internal ProgramGroup Of(ProbePrograms programs) => this with { Entry = programs.Entry, Return = programs.Return, OfProbes = [] };

    /// <summary>The layout of the channel for a number of probes.</summary>
    internal ChannelLayout LayoutFor(int probes) => new(Maps, probes, ThreadSlots, Events.Count == 0 ? 0 : RingBytes);
}
