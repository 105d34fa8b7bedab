using Uprobes.Programs;
using Uprobes.Script.Running;

namespace Uprobes.Script.Tests.Running;

/// <summary>A hit with registers, memory and a thread that no process has.</summary>
internal sealed class FakeHit : IProgramContext, ITargetThread
{
    private readonly Dictionary<string, ulong> _written = [];

    internal FakeHit()
    {
        Registers[4] = 0x7ff0; // rsp
        Memory[0x7ff0] = [.. Words(0x401000, 70, 80, 90)];
        Memory[0x1000] = "hello\0"u8.ToArray();
        Memory[0x2000] = [1, 0, 0, 0, 0xfe, 0xff, 0x61, 0x62, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0];
        Memory[0x3000] = [.. Words(0x1000, 0x1002, 0)];
        Memory[0x4000] = [1, 2, 3, 4, 5, 6, 7, 8];
        (Registers[7], Registers[6], Registers[2], Registers[1], Registers[8], Registers[9]) = (0x1000, 0x2000, 0x3000, 0x4000, 0xffff_ffff_ffff_fff0, 5);
        Registers[0] = unchecked((ulong)-7);
    }

    internal ulong[] Registers { get; } = new ulong[16];

    internal Dictionary<ulong, byte[]> Memory { get; } = [];

    internal List<string> Effects { get; } = [];

    public int ProcessId { get; init; } = 100;

    public int ThreadId => 101;

    public ReadOnlySpan<byte> ThreadName => "worker"u8;

    public uint UserId => 1000;

    public uint GroupId => 100;

    public int ParentId => 7;

    public int Processor => 3;

    public long TimestampNanoseconds => 5_000_000_000;

    public long DurationNanoseconds => 42;

    public int ProbeIndex => 0;

    public ulong SiteAddress { get; init; } = 0x400abc;

    public ulong Register(int number) => Registers[number];

    public ulong EntryWord(int index) => 0;

    public int TryRead(ulong address, Span<byte> destination)
    {
        foreach ((ulong start, byte[] bytes) in Memory)
        {
            if (address < start || address >= start + (ulong)bytes.Length)
                continue;
            int length = Math.Min(destination.Length, bytes.Length - (int)(address - start));
            bytes.AsSpan((int)(address - start), length).CopyTo(destination);
            return length;
        }

        return 0;
    }

    public bool TryReadRegister(string name, out ulong value)
    {
        value = name == "ip" ? SiteAddress : name == "sp" ? Registers[4] : 0;
        return name is "ip" or "sp" || _written.TryGetValue(name, out value);
    }

    public bool TryWriteRegister(string name, ulong value)
    {
        _written[name] = value;
        Effects.Add($"{name}={value:x}");
        return true;
    }

    public int Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        Effects.Add($"write {address:x} {Convert.ToHexString(bytes)}");
        return bytes.Length;
    }

    public int Signal(int number, bool toThread)
    {
        Effects.Add($"signal {number} {(toThread ? "thread" : "process")}");
        return 0;
    }

    private static IEnumerable<byte> Words(params ulong[] words) => words.SelectMany(BitConverter.GetBytes);
}
