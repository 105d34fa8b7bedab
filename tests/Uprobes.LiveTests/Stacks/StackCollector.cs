using System.Collections.Concurrent;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Stacks;
using Uprobes.Stacks.X64;

namespace Uprobes.LiveTests.Stacks;

/// <summary>A program that sends what unwinding needs, and what comes of that.</summary>
internal sealed class StackCollector(int bytes) : IQueryEvents
{
    private readonly BlockingCollection<Sample> _samples = [];

    internal sealed record Sample(StackRegisters Registers, byte[] Bytes, long Timestamp, int ProcessId)
    {
        internal CapturedStack At(bool isAtEntry) => new(Registers, Bytes, isAtEntry);
    }

    internal ProgramGroup Group => new()
    {
        Entry = new ProbeProgram([new Emit(0, StackCapture.Fields(bytes))], []),
        Events = [new EventDefinition("stack", StackCapture.Types(bytes))],
    };

    public void Accept(EventRecord record, long timestamp, int processId)
    {
        CapturedStack stack = StackCapture.Read(record, 0, isAtEntry: true);
        _samples.Add(new Sample(stack.Registers, stack.Bytes.ToArray(), timestamp, processId));
    }

    public void Complete(Exception? error) => _samples.CompleteAdding();

    /// <summary>The next stack; a failure where none comes.</summary>
    internal Sample Next()
    {
        Assert.True(_samples.TryTake(out Sample? sample, TimeSpan.FromSeconds(30)), "no stack was sent");
        return sample;
    }

    /// <summary>Unwinds and names a stack.</summary>
    internal static (StackFrame[] Frames, StackEnd End) Resolve(Sample sample, int processId, StackReader reader, bool isAtEntry = true)
    {
        Span<ulong> addresses = stackalloc ulong[StackUnwinder.MostFrames];
        StackUnwinding found = reader.Unwind(processId, sample.At(isAtEntry), addresses);
        List<StackFrame> frames = [];
        reader.Symbolize(processId, addresses[..found.Count], frames);
        return ([.. frames], found.End);
    }
}
