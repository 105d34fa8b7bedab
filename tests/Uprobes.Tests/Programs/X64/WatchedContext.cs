using Uprobes.Programs;

namespace Uprobes.Tests.Programs.X64;

/// <summary>A hit that notes whether the return address is read, which is a thunk's once the call is followed.</summary>
internal sealed class WatchedContext(SyntheticContext hit) : IProgramContext
{
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

    public int TryRead(ulong address, Span<byte> destination)
    {
        ulong word = hit.Registers[4];
        HasReadReturnAddress |= address < word + 8 && address + (ulong)destination.Length > word;
        return hit.TryRead(address, destination);
    }
}
