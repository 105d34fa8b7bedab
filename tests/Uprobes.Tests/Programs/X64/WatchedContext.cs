using Uprobes.Programs;

namespace Uprobes.Tests.Programs.X64;

/// <summary>A hit that notes whether the return address is read, which is a thunk's once the call is followed, and whether memory may be there that the hit knows nothing of.</summary>
internal sealed class WatchedContext(SyntheticContext hit) : IProgramContext
{
    // From the lowest place of a position-independent program on, to the page that is never mapped.
    private const ulong OwnMemory = 0x5500_0000_0000, EndOfMemory = 0x7fff_ffff_f000;

    /// <summary>Whether any byte of the word at rsp was read.</summary>
    internal bool HasReadReturnAddress { get; private set; }

    public int ProcessId => hit.ProcessId;

    public int ThreadId => hit.ThreadId;

    public ReadOnlySpan<byte> ThreadName => hit.ThreadName;

    public int Processor => hit.Processor;

    public uint UserId => hit.UserId;

    public uint GroupId => hit.GroupId;

    public int ParentId => hit.ParentId;

    public long TimestampNanoseconds => hit.TimestampNanoseconds;

    public long DurationNanoseconds => hit.DurationNanoseconds;

    public int ProbeIndex => hit.ProbeIndex;

    public ulong SiteAddress => hit.SiteAddress;

    public ulong InstructionAddress => hit.InstructionAddress;

    public ulong Register(int number) => hit.Register(number);

    public ulong EntryWord(int index) => hit.EntryWord(index);

    /// <summary>
    /// Whether memory was asked for where the test's own process may have some: the kernel puts programs, libraries and stacks there, each time elsewhere. Machine code could read it.
    /// </summary>
    internal bool HasReadOwnMemory { get; private set; }

    public int TryRead(ulong address, Span<byte> destination)
    {
        ulong word = hit.Registers[4];
        HasReadReturnAddress |= address < word + 8 && address + (ulong)destination.Length > word;
        int read = hit.TryRead(address, destination);
        HasReadOwnMemory |= read < destination.Length && address + (ulong)read is >= OwnMemory and < EndOfMemory;
        return read;
    }
}
