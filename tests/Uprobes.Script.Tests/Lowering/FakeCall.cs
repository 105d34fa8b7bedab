using System.Text;
using Uprobes.Programs;

namespace Uprobes.Script.Tests.Lowering;

/// <summary>A call of a probed function in a made-up target: 64 KiB of memory from 0x10000 on, and registers.</summary>
/// <param name="Function">Which.</param>
/// <param name="Thread">Who calls.</param>
/// <param name="Arguments">Up to six.</param>
/// <param name="Result">What it returns.</param>
/// <param name="Time">Of the entry; it returns 1,000 ns later.</param>
internal sealed record FakeCall(string Function, int Thread, ulong[] Arguments, ulong Result, long Time)
{
    internal const ulong MemoryStart = 0x10000;

    /// <summary>What the target's memory holds: texts at 0x10100, 0x10200, …; integers at 0x10000, …</summary>
    internal static byte[] Memory { get; } = Fill();

    internal IProgramContext Entry(int probe) => new Context(this, probe, isReturn: false);

    internal IProgramContext Return(int probe) => new Context(this, probe, isReturn: true);

    private static byte[] Fill()
    {
        byte[] memory = new byte[0x10000];
        for (int i = 0; i < 0x100; i++)
            memory[i] = (byte)((i * 37) + 11);
        string[] texts = ["hello", "", "a longer text that is beyond sixteen bytes", "x", "tab\tand\nline", new string('y', 200)];
        for (int i = 0; i < texts.Length; i++)
            Encoding.UTF8.GetBytes(texts[i]).CopyTo(memory, 0x100 * (i + 1));
        return memory;
    }

    private sealed class Context(FakeCall call, int probe, bool isReturn) : IProgramContext
    {
        public int ProcessId => 4242;

        public int ThreadId => call.Thread;

        public ReadOnlySpan<byte> ThreadName => call.Thread % 2 == 0 ? "worker"u8 : "main"u8;

        public int Processor => call.Thread % 4;

        public uint UserId => (uint)(call.Time / 10_000 % 3);

        public uint GroupId => 100;

        public int ParentId => 7;

        public long TimestampNanoseconds => call.Time + (isReturn ? 1000 : 0);

        public long DurationNanoseconds => 1000;

        public int ProbeIndex => probe;

        public ulong SiteAddress => 0x5555_0000;

        public ulong Register(int number) => number switch
        {
            0 => isReturn ? call.Result : 0xdead,
            4 => MemoryStart + 0x8000,
            _ => Array.IndexOf([7, 6, 2, 1, 8, 9], number) is >= 0 and var index && index < call.Arguments.Length ? call.Arguments[index] : (ulong)number,
        };

        public ulong EntryWord(int index) => 0;

        public int TryRead(ulong address, Span<byte> destination)
        {
            if (address < MemoryStart || address >= MemoryStart + (ulong)Memory.Length)
                return 0;
            ReadOnlySpan<byte> rest = Memory.AsSpan((int)(address - MemoryStart));
            int length = Math.Min(rest.Length, destination.Length);
            rest[..length].CopyTo(destination);
            return length;
        }
    }
}
