using Uprobes.Arming.Inline;
using Uprobes.Arming.X64;
using Uprobes.Processes;
using Uprobes.Programs;

namespace Uprobes.Arming.Trap;

/// <summary>One stop at a site, as handlers see it. Used again for the next; on the tracer thread only.</summary>
internal sealed class HitContext : ISiteState
{
    private const int RegisterArguments = 6;
    private readonly List<(IReturnSink Sink, object? State)> _returnRequests = [];

    internal TracedThread Thread { get; private set; } = null!;

    internal ThreadRegisters Registers { get; } = new();

    /// <summary>Nanoseconds of CLOCK_MONOTONIC.</summary>
    internal long Timestamp { get; private set; }

    internal RemoteAddress SiteAddress { get; private set; }

    ulong ISiteState.SiteAddress => SiteAddress.Value;

    ulong ISiteState.Register(int number) => RegisterNumbers.Read(Registers.Values, number);

    int ISiteState.TryRead(ulong address, Span<byte> destination) => Memory.Read(new RemoteAddress(address), destination);

    internal TraceeMemory Memory => Thread.Process.Space.Memory;

    /// <summary>The returns that the entry's handlers asked for.</summary>
    internal List<(IReturnSink Sink, object? State)> ReturnRequests => _returnRequests;

    /// <summary>What else is in the address space: calls that programs follow.</summary>
    internal InlineSpace Inline { get; private set; } = null!;

    internal void Begin(SpaceArming space, TracedThread thread, RemoteAddress site, long timestamp)
    {
        Thread = thread;
        Inline = space.Inline;
        SiteAddress = site;
        Timestamp = timestamp;
        _returnRequests.Clear();
    }

    /// <summary>Asks for the return of the call that begins at this stop.</summary>
    internal void FollowReturn(IReturnSink sink, object? state) => _returnRequests.Add((sink, state));

    /// <summary>An integer argument of a function whose first instruction this is (System V ABI x86-64, 3.2.3).</summary>
    internal ulong Argument(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        switch (index)
        {
            case 0: return Registers.Rdi;
            case 1: return Registers.Rsi;
            case 2: return Registers.Rdx;
            case 3: return Registers.Rcx;
            case 4: return Registers.R8;
            case 5: return Registers.R9;
        }

        // Above the return address; an unreadable stack gives 0.
        _ = Memory.TryReadWord(new RemoteAddress(Registers.Rsp + (ulong)(sizeof(ulong) * (index - RegisterArguments + 1))), out ulong value);
        return value;
    }
}

/// <summary>The return of a followed call.</summary>
/// <param name="Hit">The stop at the return address.</param>
/// <param name="EntryTimestamp">When the call began, nanoseconds of CLOCK_MONOTONIC.</param>
/// <param name="State">What the entry's handler gave.</param>
internal sealed record ReturnContext(HitContext Hit, long EntryTimestamp, object? State);
