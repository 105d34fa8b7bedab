using Uprobes.Arming.Inline;
using Uprobes.Arming.Trap;
using Uprobes.Arming.X64;
using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Programs;

namespace Uprobes.Script.Running;

/// <summary>A thread that was stopped at a probe, as actions see it. On the tracer thread only.</summary>
internal sealed class TargetHit : IProgramContext, ITargetThread
{
    private const int MostIdentities = 1 << 14;
    private readonly Dictionary<(int Process, int Thread), ThreadIdentity> _identities = [];
    private HitContext _hit = null!;
    private ThreadIdentity _identity;
    private long _entered;

    /// <summary>The process by its own numbers.</summary>
    int IProgramContext.ProcessId => _identity.ProcessId;

    /// <summary>The thread by its own numbers.</summary>
    int IProgramContext.ThreadId => _identity.ThreadId;

    /// <summary>The process by this process's numbers.</summary>
    int ITargetThread.ProcessId => _hit.Thread.Process.ProcessId;

    /// <summary>The thread by this process's numbers.</summary>
    int ITargetThread.ThreadId => _hit.Thread.ThreadId;

    public ReadOnlySpan<byte> ThreadName => ThreadMoment.NameOf(_hit.Thread.ThreadId);

    public int Processor => ThreadMoment.ProcessorOf(_hit.Thread.ThreadId);

    public uint UserId => ThreadStatus.TryRead(_hit.Thread.ThreadId)?.UserId ?? 0;

    public uint GroupId => ThreadStatus.TryRead(_hit.Thread.ThreadId)?.GroupId ?? 0;

    public int ParentId => ThreadMoment.ParentOf(_hit.Thread.ThreadId);

    public long TimestampNanoseconds => _hit.Timestamp;

    public long DurationNanoseconds => Math.Max(0, _hit.Timestamp - _entered);

    public int ProbeIndex => 0;

    public ulong SiteAddress { get; private set; }

    /// <summary>A hit of an instruction begins.</summary>
    internal void Begin(HitContext hit) => Begin(hit, hit.SiteAddress.Value, hit.Timestamp);

    /// <summary>A call returns.</summary>
    /// <param name="context">The return.</param>
    /// <param name="site">Address of the function's first instruction.</param>
    internal void Begin(ReturnContext context, ulong site) => Begin(context.Hit, site, context.EntryTimestamp);

    public ulong Register(int number) => RegisterNumbers.Read(_hit.Registers.Values, number);

    public ulong EntryWord(int index) => 0;

    public int TryRead(ulong address, Span<byte> destination) => _hit.Memory.Read(new RemoteAddress(address), destination);

    public bool TryReadRegister(string name, out ulong value)
    {
        ulong? found = TargetRegisters.Read(_hit.Registers.Values, name);
        value = found ?? 0;
        return found is not null;
    }

    public bool TryWriteRegister(string name, ulong value) => TargetRegisters.TryWrite(_hit.Registers, name, value);

    public int Write(ulong address, ReadOnlySpan<byte> bytes) => _hit.Memory.Write(new RemoteAddress(address), bytes);

    public int Signal(int number, bool toThread)
    {
        int process = _hit.Thread.Process.ProcessId;
        return toThread ? Tasks.KillThread(process, _hit.Thread.ThreadId, number) : Tasks.Kill(process, number);
    }

    private void Begin(HitContext hit, ulong site, long entered)
    {
        (_hit, SiteAddress, _entered) = (hit, site, entered);
        (int, int) key = (hit.Thread.Process.ProcessId, hit.Thread.ThreadId);
        if (_identities.TryGetValue(key, out _identity))
            return;
        if (_identities.Count >= MostIdentities)
            _identities.Clear();
        ThreadStatus? status = ThreadStatus.TryRead(hit.Thread.ThreadId);
        _identity = status is null ? new ThreadIdentity(key.Item1, key.Item2) : new ThreadIdentity(status.OwnProcessId, status.OwnThreadId);
        _identities.Add(key, _identity);
    }
}
