using Uprobes.Tool.Events;

namespace Uprobes.Tool.Tests;

/// <summary>A hit without a process: arguments and memory are given.</summary>
internal readonly struct FakeHit(ulong[] arguments, Dictionary<ulong, byte[]>? memory = null, long time = 0, long entryTime = 0, ulong result = 0) : IReturn
{
    public int ProcessId => 42;

    public int ThreadId => 43;

    public long TimeNanoseconds => time;

    public long EntryTimeNanoseconds => entryTime;

    public ulong Result => result;

    public ulong Argument(int index) => index < arguments.Length ? arguments[index] : 0;

    public int Read(ulong address, Span<byte> destination)
    {
        if (memory is null || !memory.TryGetValue(address, out var bytes))
            return 0;
        var length = Math.Min(bytes.Length, destination.Length);
        bytes.AsSpan(0, length).CopyTo(destination);
        return length;
    }
}
