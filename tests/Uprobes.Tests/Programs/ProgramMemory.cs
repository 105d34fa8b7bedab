using Uprobes.Programs;

namespace Uprobes.Tests.Programs;

/// <summary>A hit in a target that has exactly the bytes that a test gives it, from an address on.</summary>
internal sealed record ProgramMemory(ulong Start, byte[] Bytes) : IProgramContext
{
    /// <summary>Starts of all reads.</summary>
    internal List<(ulong Address, int Length)> Reads { get; } = [];

    public int ProcessId => 0;

    public int ThreadId => 0;

    public ReadOnlySpan<byte> ThreadName => "worker 3"u8;

    public uint UserId => 1000;

    public uint GroupId => 100;

    public int ParentId => 7;

    public int Processor => 5;

    public long TimestampNanoseconds => 0;

    public long DurationNanoseconds => 0;

    public int ProbeIndex => 0;

    public ulong SiteAddress => 0;

    /// <summary>rsp is the first byte's address.</summary>
    public ulong Register(int number) => number == 4 ? Start : (ulong)number;

    public ulong EntryWord(int index) => 0;

    public int TryRead(ulong address, Span<byte> destination)
    {
        Reads.Add((address, destination.Length));
        if (address < Start || address >= Start + (ulong)Bytes.Length)
            return 0;

        ReadOnlySpan<byte> rest = Bytes.AsSpan((int)(address - Start));
        int length = Math.Min(rest.Length, destination.Length);
        rest[..length].CopyTo(destination);

        // A read that fails may have written behind what it says; that is nothing.
        destination[length..].Fill(0xee);
        return length;
    }
}
