using System.Buffers.Binary;
using Uprobes.Stacks;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

/// <summary>Stacks whose bytes are the addresses of their calls, ended by 0, or by <see cref="Cut"/> where more would follow.</summary>
internal sealed class FakeStacks : IStackSource
{
    public const ulong Cut = ulong.MaxValue;

    /// <summary>What addresses stand for; others are functions that are called by their number.</summary>
    public Dictionary<ulong, StackFrame> Names { get; } = [];

    /// <summary>What was inlined where, innermost first.</summary>
    public Dictionary<ulong, StackFrame[]> Inlined { get; } = [];

    /// <summary>Whether programs are not known any more when their stacks are to be named.</summary>
    public bool IsForgetful { get; set; }

    public List<int> LookedAt { get; } = [];

    public bool IsDisposed { get; private set; }

    public void Look(int processId) => LookedAt.Add(processId);

    public StackUnwinding Unwind(int processId, long timestamp, scoped in CapturedStack stack, Span<ulong> frames, out int program)
    {
        program = processId;
        for (var count = 0; ; count++)
        {
            var word = stack.Bytes.Length < 8 * (count + 1) ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(stack.Bytes[(8 * count)..]);
            if (word is 0 or Cut)
                return new StackUnwinding(count, word == 0 ? StackEnd.Outermost : StackEnd.Truncated);
            if (count == frames.Length)
                return new StackUnwinding(count, StackEnd.TooDeep);
            frames[count] = word;
        }
    }

    public void Symbolize(int program, ReadOnlySpan<ulong> frames, List<StackFrame> named)
    {
        if (IsForgetful)
            return;
        foreach (var address in frames)
        {
            if (Inlined.TryGetValue(address, out var calls))
                named.AddRange(calls);
            named.Add(Names.TryGetValue(address, out var known) ? known : new StackFrame(address, $"f{address}", 0, "/lib/libx.so.1", address));
        }
    }

    public void Dispose() => IsDisposed = true;
}
