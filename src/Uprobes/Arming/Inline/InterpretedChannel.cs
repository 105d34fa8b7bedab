using Uprobes.Channels;
using Uprobes.Processes;
using Uprobes.Programs;

namespace Uprobes.Arming.Inline;

/// <summary>Who a thread is in its own view (pid_namespaces(7)).</summary>
/// <param name="ProcessId">What its getpid() says.</param>
/// <param name="ThreadId">What its gettid() says.</param>
internal readonly record struct ThreadIdentity(int ProcessId, int ThreadId);

/// <summary>Where interpreted programs put what they find in one process. On the tracer thread only.</summary>
internal sealed class InterpretedChannel(ChannelMemory memory, ProgramGroup group, bool isShared)
{
    private readonly Dictionary<int, ThreadIdentity> _identities = [];

    internal ChannelMemory Memory => memory;

    internal ChannelProgramOutput Output { get; } = new(new ChannelWriter(memory, group.Events) { Sweeps = !isShared });

    /// <summary>Who a thread is; asked of the kernel once.</summary>
    internal ThreadIdentity IdentityOf(int tid)
    {
        if (_identities.TryGetValue(tid, out ThreadIdentity known))
            return known;
        ThreadStatus? status = ThreadStatus.TryRead(tid);
        ThreadIdentity identity = status is null ? new(0, tid) : new(status.OwnProcessId, status.OwnThreadId);
        _identities.Add(tid, identity);
        return identity;
    }
}
