using Microsoft.Win32.SafeHandles;
using Uprobes.Arming.Inline;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>A process that the tracer has let go of, as it was then: what differs from that is a reason to return. On the tracer thread only.</summary>
internal sealed class UnattendedProcess : IDisposable
{
    private readonly SafeFileHandle? _end;
    private readonly IReadOnlyList<InlineSite> _witnesses;

    /// <summary>Of all executable mappings when nothing new was found in them; -1 before the first look, since some may have come after they were armed.</summary>
    private long _executableSize = -1;

    internal UnattendedProcess(TracedProcess process, SpaceArming? space)
    {
        try
        {
            _end = Descriptors.OpenProcess(process.ProcessId);
        }
        catch (SyscallException)
        {
            _end = null; // An older kernel, or no descriptor is left: its number has to do.
        }

        _witnesses = space?.Witnesses() ?? [];
    }

    /// <summary>Whether all its threads have ended.</summary>
    internal bool HasEnded(TracedProcess process, TimeSpan timeout) => _end is not null
        ? Readiness.IsReadable(_end, timeout)
        : ThreadStatus.TryRead(process.ProcessId) is null or { State: 'X' } || Look(process) is null or { State: 'Z' };

    /// <summary>Whether it has executed another program, or is about to end.</summary>
    internal static bool HasLeftMemory(TracedProcess process) => process.Space.Memory.IsGone;

    /// <summary>Whether it handles signals now that instructions raise, and what is armed was chosen as if it did not.</summary>
    internal static bool BeganToCatchFaults(TracedProcess process, SpaceArming space) =>
        space.Inline.ExpectsNoFaults && Look(process) is { } status && InlineSpace.CatchesFaults(status);

    /// <summary>Whether text in which patches are was mapped anew, or changed by others.</summary>
    internal bool HasLostPatches(SpaceArming space) => _witnesses.Any(w => !space.Inline.Stands(w));

    /// <summary>
    /// Whether there are mappings that arming has to look at; they are read where their size is another than when there were none. It stays so until
    /// somebody returns.
    /// </summary>
    internal bool HasNews(TracedProcess process, SpaceArming space)
    {
        long size = Look(process)?.ExecutableSize ?? _executableSize;
        if (size == _executableSize && !space.AwaitsSemaphores)
            return false;
        if (space.HasNews(process))
            return true;
        _executableSize = size;
        return false;
    }

    public void Dispose() => _end?.Dispose();

    /// <summary>The status of a thread that lives: a leader that has exited shows no memory.</summary>
    private static ThreadStatus? Look(TracedProcess process)
    {
        ThreadStatus? leader = ThreadStatus.TryRead(process.ProcessId);
        if (leader is not { State: 'Z' })
            return leader;
        foreach (int tid in Tracer.ListThreads(process.ProcessId))
        {
            if (tid != process.ProcessId && ThreadStatus.TryRead(tid) is { State: not ('Z' or 'X') } other)
                return other;
        }

        return leader;
    }
}
