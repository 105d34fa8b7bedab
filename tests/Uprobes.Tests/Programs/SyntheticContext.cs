using System.Globalization;
using Uprobes.Programs;

namespace Uprobes.Tests.Programs;

/// <summary>A made-up hit. A test that runs emitted code replaces by <c>with</c> what it cannot choose: its thread, its clock.</summary>
internal sealed record SyntheticContext : IProgramContext
{
    public required int ProcessId { get; init; }

    public required int ThreadId { get; init; }

    public ReadOnlySpan<byte> ThreadName => "worker 3"u8;

    public uint UserId { get; init; } = 1000;

    public uint GroupId { get; init; } = 100;

    public int ParentId { get; init; } = 7;

    public int Processor => 5;

    public required long TimestampNanoseconds { get; init; }

    public required long DurationNanoseconds { get; init; }

    public required int ProbeIndex { get; init; }

    public required ulong SiteAddress { get; init; }

    /// <summary>Where the call returns; null at an entry.</summary>
    internal ulong? ReturnsTo { get; init; }

    public ulong InstructionAddress => ReturnsTo ?? SiteAddress;

    /// <summary>All 16, by the processor's numbers. rsp (4) is in the last page of the stack, a multiple of 8.</summary>
    public required IReadOnlyList<ulong> Registers { get; init; }

    /// <summary>What the entry program kept; 6 words.</summary>
    public required IReadOnlyList<ulong> EntryWords { get; init; }

    public required SyntheticMemory Memory { get; init; }

    public ulong Register(int number) => Registers[number];

    public ulong EntryWord(int index) => EntryWords[index];

    public int TryRead(ulong address, Span<byte> destination) => Memory.TryRead(address, destination);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"pid {ProcessId} tid {ThreadId} now {TimestampNanoseconds} duration {DurationNanoseconds} probe {ProbeIndex} site {SiteAddress:x}\nregisters {string.Join(' ', Registers.Select(r => r.ToString("x", CultureInfo.InvariantCulture)))}\nwords {string.Join(' ', EntryWords.Select(r => r.ToString("x", CultureInfo.InvariantCulture)))}");

    internal static SyntheticContext Choose(ChoiceSource choices, SyntheticMemory memory, int probes)
    {
        ulong[] registers = new ulong[16];
        for (int i = 0; i < registers.Length; i++)
            registers[i] = Word(choices);

        // At the end of the stack some arguments cannot be read.
        int above = choices.OnceIn(3) ? choices.Below(6) : 20 + choices.Below(100);
        registers[4] = SyntheticMemory.StackBase + (SyntheticMemory.StackPages * SyntheticMemory.PageSize) - 8 - (ulong)(8 * above);
        ulong[] words = new ulong[6];
        for (int i = 0; i < words.Length; i++)
            words[i] = Word(choices);

        return new()
        {
            ProcessId = 1 + choices.Below(60000),
            ThreadId = 1 + choices.Below(60000),
            TimestampNanoseconds = 1_000_000_000L * choices.Below(1_000_000),
            DurationNanoseconds = choices.Below(60000),
            ProbeIndex = choices.Below(probes),
            SiteAddress = 0x5555_0000_0000 + (ulong)choices.Below(4096),
            Registers = registers,
            EntryWords = words,
            Memory = memory,
        };
    }

    private static ulong Word(ChoiceSource choices) =>
        choices.Below(2) == 0 ? (ulong)InterestingNumbers.Choose(choices) : SyntheticMemory.Address(choices);
}
