using Uprobes.Images;
using Uprobes.Programs;
using Uprobes.Script.Output;
using Uprobes.Script.Semantics;
using Uprobes.Stacks;
using Uprobes.Stacks.X64;

namespace Uprobes.Script.Running;

/// <summary>Stacks of threads that wait at a probe, with the names of their frames. Used by one thread at a time.</summary>
/// <param name="config">What of the names is wanted.</param>
internal sealed class TargetStacks(ScriptConfig config) : IDisposable
{
    /// <summary>Bytes of a stack that are looked at; frames beyond them are not found.</summary>
    private const int MostBytes = 1 << 16;

    private const int GeneralRegisters = 16, StackPointer = 4;
    private readonly ImageStore _store = new();
    private readonly Dictionary<int, (ProcessImages Images, StackSymbols Symbols)> _processes = [];
    private readonly byte[] _bytes = new byte[MostBytes];

    /// <summary>The stack of a thread.</summary>
    /// <param name="hit">What the thread waits at.</param>
    /// <param name="thread">The thread.</param>
    /// <param name="isAtEntry">Whether it is at the first instruction of a function.</param>
    /// <param name="type">How much of it, and how it is to print.</param>
    internal ScriptStack Of(IProgramContext hit, ITargetThread thread, bool isAtEntry, StackType type)
    {
        StackRegisters registers = default;
        for (int number = 0; number < GeneralRegisters; number++)
            registers.Set(StackRegisters.OfProcessor(number), hit.Register(number));
        registers.Set(StackRegisters.Rip, thread.TryReadRegister("ip", out ulong instruction) ? instruction : hit.SiteAddress);

        return Of(thread.ProcessId, registers, _bytes.AsSpan(0, Math.Max(0, hit.TryRead(hit.Register(StackPointer), _bytes))), isAtEntry, type);
    }

    /// <summary>A stack that was captured.</summary>
    /// <param name="processId">The process, as this process numbers it.</param>
    /// <param name="registers">The thread's.</param>
    /// <param name="bytes">Its memory from the stack pointer on.</param>
    /// <param name="isAtEntry">Whether it was at the first instruction of a function.</param>
    /// <param name="type">How much of it, and how it is to print.</param>
    internal ScriptStack Of(int processId, in StackRegisters registers, ReadOnlySpan<byte> bytes, bool isAtEntry, StackType type)
    {
        (ProcessImages images, StackSymbols symbols) = Process(processId);
        CapturedStack captured = new(registers, bytes, isAtEntry);
        Span<ulong> addresses = stackalloc ulong[StackUnwinder.MostFrames];
        addresses = addresses[..Math.Min(type.Limit, addresses.Length)];
        StackUnwinding found = StackUnwinder.Unwind(captured, images.Current, addresses);
        if (found.End == StackEnd.Unmapped && images.Refresh())
            found = StackUnwinder.Unwind(captured, images.Current, addresses);

        StackFrame[] named = new StackFrame[found.Count];
        symbols.Symbolize(images.Current, addresses[..found.Count], named);
        ScriptFrame[] frames = [.. named.Select(frame => Frame(images.Current, frame))];
        return new ScriptStack(type.Mode, frames) { UnwindFailed = found.Count == 0 };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((ProcessImages images, _) in _processes.Values)
            images.Dispose();
        _processes.Clear();
        _store.Dispose();
    }

    private (ProcessImages Images, StackSymbols Symbols) Process(int processId)
    {
        if (_processes.TryGetValue(processId, out (ProcessImages Images, StackSymbols Symbols) known))
            return known;
        ProcessImages images = new(processId, _store);
        known = (images, new StackSymbols(images));
        _processes.Add(processId, known);
        return known;
    }

    private ScriptFrame Frame(MappedImages images, StackFrame frame)
    {
        MappedCode? code = images.Find(frame.Address);
        return new ScriptFrame(frame.Address)
        {
            Function = config.Demangles ? frame.Function : frame.RawFunction,
            Offset = frame.Offset,
            SourceFile = config.ShowsDebugInformation ? frame.Source?.File : null,
            SourceLine = (int)(frame.Source?.Line ?? 0),
            Module = frame.Module,
            BuildId = code?.Image?.BuildId?.ToString(),
            FileOffset = code?.OffsetOf(frame.Address).Value ?? 0,
        };
    }
}
