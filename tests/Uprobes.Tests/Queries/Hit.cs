using Uprobes.Tests.Programs;

namespace Uprobes.Tests.Queries;

/// <summary>A made-up hit of a function: its arguments, and what it returned.</summary>
/// <param name="Size">The first argument.</param>
internal sealed record Hit(ulong Size)
{
    private static readonly SyntheticMemory Memory = new(new ChoiceSource([]));

    internal int Probe { get; init; }

    internal int ThreadId { get; init; } = 100;

    internal long Time { get; init; } = 1000;

    internal long Duration { get; init; } = 50;

    internal ulong Result { get; init; }

    /// <summary>The second argument.</summary>
    internal ulong Other { get; init; }

    internal SyntheticContext Context => new()
    {
        ProcessId = 99, ThreadId = ThreadId, TimestampNanoseconds = Time, DurationNanoseconds = Duration, ProbeIndex = Probe, SiteAddress = 0x1234,
        Registers = [0, 0, 0, 0, SyntheticMemory.StackBase, 0, Other, Size, 0, 0, 0, 0, 0, 0, 0, 0], EntryWords = [], Memory = Memory,
    };

    /// <summary>As the return program sees it.</summary>
    internal SyntheticContext ReturnContext(ulong[] words) => Context with
    {
        EntryWords = words,
        TimestampNanoseconds = Time + Duration,
        Registers = [Result, .. Enumerable.Repeat(0xbadul, 15)],
    };
}
