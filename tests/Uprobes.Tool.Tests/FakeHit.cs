using System.Buffers.Binary;
using Uprobes.Programs;

namespace Uprobes.Tool.Tests;

/// <summary>A hit without a process: arguments and memory are given.</summary>
internal sealed record FakeHit(ulong[] Arguments, Dictionary<ulong, byte[]>? Memory = null, long Time = 0, long EntryTime = 0, ulong Result = 0) : IProgramContext
{
    public const ulong Stack = 0x7ff0_0000;
    private const int ArgumentsInRegisters = 6;

    public int Probe { get; init; }

    public ulong[] Words { get; init; } = [];

    public int ProcessId => 42;

    public int ThreadId { get; init; } = 43;

    public ReadOnlySpan<byte> ThreadName => "worker 3"u8;

    public uint UserId => 1000;

    public uint GroupId => 100;

    public int ParentId => 7;

    public int Processor => 5;

    public long TimestampNanoseconds => Time;

    public long DurationNanoseconds => Time - EntryTime;

    public int ProbeIndex => Probe;

    public ulong SiteAddress => 0x1234;

    public ulong Register(int number) => number switch
    {
        0 => Result,
        4 => Stack,
        _ => Argument(Array.IndexOf([7, 6, 2, 1, 8, 9], number)),
    };

    public ulong EntryWord(int index) => Words[index];

    public int TryRead(ulong address, Span<byte> destination)
    {
        if (address >= Stack && destination.Length == sizeof(ulong))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(destination, Argument((int)(address - Stack - 8) / 8 + ArgumentsInRegisters));
            return sizeof(ulong);
        }

        if (Memory is null || !Memory.TryGetValue(address, out var bytes))
            return 0;
        var length = Math.Min(bytes.Length, destination.Length);
        bytes.AsSpan(0, length).CopyTo(destination);
        return length;
    }

    private ulong Argument(int index) => index >= 0 && index < Arguments.Length ? Arguments[index] : 0;
}
