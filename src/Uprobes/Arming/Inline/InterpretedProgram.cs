using Uprobes.Arming.Trap;
using Uprobes.Arming.X64;
using Uprobes.Channels;
using Uprobes.Processes;
using Uprobes.Programs;
using Uprobes.Programs.X64;

namespace Uprobes.Arming.Inline;

/// <summary>
/// Runs a program in the tracer, at a site that is a breakpoint. Its results go into a channel of the same kind as those of the program's
/// machine code. On the tracer thread only.
/// </summary>
/// <param name="binding">Which program, at which probe.</param>
/// <param name="clock">Of the events' time stamps.</param>
internal sealed class InterpretedProgram(ProgramBinding binding, Lazy<TickClock> clock) : IProgramContext
{
    private HitContext _hit = null!;
    private ThreadIdentity _identity;
    private ulong[] _words = [];
    private long _entered;

    public int ProcessId => _identity.ProcessId;

    public int ThreadId => _identity.ThreadId;

    public ReadOnlySpan<byte> ThreadName => ThreadMoment.NameOf(_hit.Thread.ThreadId);

    public int Processor => ThreadMoment.ProcessorOf(_hit.Thread.ThreadId);

    public uint UserId => ThreadStatus.TryRead(_hit.Thread.ThreadId)?.UserId ?? 0;

    public uint GroupId => ThreadStatus.TryRead(_hit.Thread.ThreadId)?.GroupId ?? 0;

    public int ParentId => ThreadMoment.ParentOf(_hit.Thread.ThreadId);

    public long TimestampNanoseconds => _hit.Timestamp;

    public long DurationNanoseconds => Math.Max(0, _hit.Timestamp - _entered);

    public int ProbeIndex => binding.Probe;

    public ulong SiteAddress { get; private set; }

    public ulong InstructionAddress => _hit.SiteAddress.Value;

    public ulong ReturnAddress(ulong found) =>
        _hit.Inline.FollowedCallTable is { } calls && (found - calls.Thunks) % CallTable.ThunkSize == 0 && _hit.Inline.ResolveReturn(found) is var address && address != 0 ? address : found;

    public ulong Register(int number) => RegisterNumbers.Read(_hit.Registers.Values, number);

    public ulong EntryWord(int index) => _words[index];

    public int TryRead(ulong address, Span<byte> destination) => _hit.Memory.Read(new RemoteAddress(address), destination);

    /// <summary>Runs the entry program. Returns whether the call's return is wanted, and what is kept for it.</summary>
    internal (bool Follow, object? State) Enter(HitContext hit)
    {
        SiteAddress = hit.SiteAddress.Value;
        if (!binding.Switch.IsOn || Begin(hit) is not { } output)
            return (false, null);
        binding.Run.Interpreter.Run(binding.Group.Entry, this, output);
        return output.FollowsCall ? (true, new Call(SiteAddress, output.KeptWords.ToArray())) : (false, null);
    }

    /// <summary>Runs the return program.</summary>
    internal void Return(ReturnContext context)
    {
        if (!binding.Switch.IsOn || context.State is not Call call || binding.Group.Return is not { } program || Begin(context.Hit) is not { } output)
            return;
        (SiteAddress, _words, _entered) = (call.Site, call.Words, context.EntryTimestamp);
        binding.Run.Interpreter.Run(program, this, output);
    }

    private ChannelProgramOutput? Begin(HitContext hit)
    {
        _hit = hit;
        InterpretedChannel channel = binding.Run.InterpretedIn(hit.Thread.Process.ProcessId);
        _identity = channel.IdentityOf(hit.Thread.ThreadId);
        return channel.Output.TryBegin((ulong)hit.Thread.ThreadId, _identity.ThreadId, binding.Probe, clock.Value.ToTicks(hit.Timestamp)) ? channel.Output : null;
    }

    /// <summary>What is kept of a call until it returns.</summary>
    private sealed record Call(ulong Site, ulong[] Words);
}
