using System.Collections.Concurrent;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Stacks;
using Uprobes.Stacks.X64;

namespace Uprobes.LiveTests.Stacks;

/// <summary>A program that sends registers and the top of the stack, and what comes of that.</summary>
internal sealed class StackCollector(int capacity) : IQueryEvents
{
    // The processor's numbers of the registers that calls keep, and of the stack pointer.
    private static readonly int[] Numbers = [4, 5, 3, 12, 13, 14, 15];
    private readonly BlockingCollection<Sample> _samples = [];

    internal sealed record Sample(int ProcessId, StackRegisters Registers, byte[] Bytes);

    internal ProgramGroup Group => new()
    {
        Entry = new ProbeProgram(
            [new Emit(0, [new Builtin(BuiltinKind.SiteAddress), .. Numbers.Select(n => new RegisterValue(n)), new LoadBytes(new RegisterValue(4), new Constant(capacity, DataType.U64), capacity)])],
            []),
        Events = [new EventDefinition("stack", [.. Enumerable.Repeat(DataType.U64, Numbers.Length + 1), DataType.Text(capacity)])],
    };

    public void Accept(EventRecord record, long timestamp, int processId)
    {
        StackRegisters registers = default;
        registers.Set(StackRegisters.Rip, (ulong)record.Integer(0));
        for (int i = 0; i < Numbers.Length; i++)
            registers.Set(StackRegisters.OfProcessor(Numbers[i]), (ulong)record.Integer(i + 1));
        _samples.Add(new Sample(processId, registers, record.Text(Numbers.Length + 1).ToArray()));
    }

    public void Complete(Exception? error) => _samples.CompleteAdding();

    /// <summary>The next stack; a failure where none comes.</summary>
    internal Sample Next()
    {
        Assert.True(_samples.TryTake(out Sample? sample, TimeSpan.FromSeconds(30)), "no stack was sent");
        return sample;
    }

    /// <summary>Unwinds and names a stack.</summary>
    internal static (StackFrame[] Frames, StackEnd End) Resolve(Sample sample, ProcessImages process, bool isAtEntry = true, IReturnThunks? thunks = null)
    {
        Span<ulong> addresses = stackalloc ulong[StackUnwinder.MostFrames];
        StackUnwinding found = StackUnwinder.Unwind(new CapturedStack(sample.Registers, sample.Bytes, isAtEntry), process.Current, addresses, thunks);
        StackFrame[] frames = new StackFrame[found.Count];
        new StackSymbols(process).Symbolize(process.Current, addresses[..found.Count], frames);
        return (frames, found.End);
    }
}
