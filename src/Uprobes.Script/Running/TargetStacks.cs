using Uprobes.Programs;
using Uprobes.Script.Output;
using Uprobes.Script.Semantics;
using Uprobes.Stacks;
using Uprobes.Stacks.X64;

namespace Uprobes.Script.Running;

/// <summary>Stacks of the target's threads as scripts have them. Used by one thread at a time.</summary>
/// <param name="reader">Unwinds and names them; lent.</param>
/// <param name="config">What of the names is wanted.</param>
internal sealed class TargetStacks(SessionStacks reader, ScriptConfig config)
{
    /// <summary>Bytes of a waiting thread's stack that are looked at; frames beyond them are not found.</summary>
    private const int MostBytes = 1 << 16;

    private const int GeneralRegisters = 16, StackPointer = 4;
    private readonly byte[] _bytes = new byte[MostBytes];

    /// <summary>The stack of a thread that waits. Nothing is named yet: the thread should not wait for that.</summary>
    /// <param name="hit">What it waits at.</param>
    /// <param name="thread">The thread.</param>
    /// <param name="isAtEntry">Whether it is at the first instruction of a function.</param>
    /// <param name="type">How much of it, and how it is to print.</param>
    internal TargetFrames Of(IProgramContext hit, ITargetThread thread, bool isAtEntry, StackType type)
    {
        StackRegisters registers = default;
        for (int number = 0; number < GeneralRegisters; number++)
            registers.Set(StackRegisters.OfProcessor(number), hit.Register(number));
        registers.Set(StackRegisters.Rip, thread.TryReadRegister("ip", out ulong instruction) ? instruction : hit.SiteAddress);
        int length = Math.Max(0, hit.TryRead(hit.Register(StackPointer), _bytes));
        return Of(thread.ProcessId, StackReader.Now, new CapturedStack(registers, _bytes.AsSpan(0, length), isAtEntry), type);
    }

    /// <summary>A stack that was captured.</summary>
    /// <param name="processId">The process, as this process numbers it.</param>
    /// <param name="timestamp">When, on the monotonic clock.</param>
    /// <param name="stack">What was captured.</param>
    /// <param name="type">How much of it, and how it is to print.</param>
    internal TargetFrames Of(int processId, long timestamp, scoped in CapturedStack stack, StackType type)
    {
        using Lock.Scope held = reader.Hold();
        Span<ulong> addresses = stackalloc ulong[StackUnwinder.MostFrames];
        addresses = addresses[..Math.Min(type.Limit, addresses.Length)];
        addresses = addresses[..reader.Unwind(processId, timestamp, stack, addresses, out int program).Count];
        // What is limited is how many frames there are in the thread's stack, of which inlined calls have none; and addresses alone have no inlined calls.
        bool isExpanded = config.ShowsDebugInformation && type.Mode is StackMode.Bpftrace or StackMode.Perf;
        return new TargetFrames(reader, config, reader.Locate(program, addresses), isExpanded);
    }
}
