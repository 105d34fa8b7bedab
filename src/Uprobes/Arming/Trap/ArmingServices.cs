using Uprobes.Arming.Inline;
using Uprobes.Arming.Trap.X64;
using Uprobes.Channels;
using Uprobes.Processes;
using Uprobes.Processes.X64;

namespace Uprobes.Arming.Trap;

/// <summary>What arming in any address space needs.</summary>
/// <param name="Tracer">The tracees.</param>
/// <param name="Calls">Runs system calls in them.</param>
/// <param name="Guardian">Restores text when this process is killed; null when the user did not want it.</param>
/// <param name="Catalog">What is probed.</param>
/// <param name="Notice">Tells the user something of all processes.</param>
/// <param name="Step">Called after each step that changes a tracee, with its name; null but in tests that kill the tracer there.</param>
internal sealed record ArmingServices(Tracer Tracer, RemoteCall Calls, Guardian? Guardian, IProbeCatalog Catalog, Action<string> Notice, Action<string>? Step)
{
    private bool _toldUnguarded;

    /// <summary>What may be put at probe points.</summary>
    internal required SiteKinds Allowed { get; init; }

    /// <summary>Called when a process has mapped code that was not there before.</summary>
    internal required Action<TracedProcess> Mapped { get; init; }

    /// <summary>Whether sites may be patched with jumps.</summary>
    internal bool MayPatch => Allowed.HasFlag(SiteKinds.Jump);

    /// <summary>Whether probe points may get breakpoints.</summary>
    internal bool MayTrap => Allowed.HasFlag(SiteKinds.Breakpoint);

    /// <summary>Whether the tracer lets go of processes while nothing in them needs it: see <see cref="TracerPresence"/>.</summary>
    internal bool Detaches { get; init; }

    /// <summary>Time of the target's time stamp counter.</summary>
    internal required Lazy<TickClock> Clock { get; init; }

    /// <summary>Longest time that all threads of a process were held.</summary>
    internal TimeSpan LongestPause { get; private set; }

    /// <summary>All threads of a process were held for so long.</summary>
    internal void NotePause(TimeSpan pause) => LongestPause = pause > LongestPause ? pause : LongestPause;

    /// <summary>The hooks on exits that are no returns, found once in each file.</summary>
    internal ExitHooks Exits { get; } = new();

    /// <summary>How the images of processes unwind stacks, found once in each file.</summary>
    internal UnwinderLookup Unwinders { get; } = new();

    /// <summary>The hooks on sigaction, found once in each file.</summary>
    internal ActionHooks Actions { get; } = new();

    /// <summary>Tells the guardian of a breakpoint that is about to be written. Where its journal is full the user is told, once.</summary>
    internal void Guard(Site site, AddressSpace space)
    {
        if (Guardian is null)
            return;
        site.GuardianEntry = Guardian.Add(space.Memory.Descriptor, site.Address, site.Original[0]);
        if (site.GuardianEntry < 0)
            TellUnguarded();
    }

    /// <summary>Tells the guardian of a semaphore that is about to be counted up.</summary>
    /// <returns>The entry, or -1 where there is no guardian or its journal is full, which the user is told.</returns>
    internal int GuardSemaphore(AddressSpace space, int mapsDescriptor, ulong address, in SemaphoreFile file, ushort count)
    {
        if (Guardian is null)
            return -1;
        int entry = Guardian.AddSemaphore(space.Memory.Descriptor, mapsDescriptor, address, file, count);
        if (entry < 0)
            TellUnguarded();
        return entry;
    }

    private void TellUnguarded()
    {
        if (_toldUnguarded)
            return;
        _toldUnguarded = true;
        Notice($"there are more breakpoints than the guardian's journal holds ({X64.Guardian.MaximumEntries}): if this program is killed, the others stay in the text");
    }

    /// <summary>
    /// Runs something with a stopped thread of a process: one that is stopped anyway, or else one that is stopped for it
    /// and goes on afterwards. A process that ends, or leaves the address space for another program, while it is stopped is gone.
    /// </summary>
    internal RemoteCallResult WithStoppedThread(TracedProcess process, AddressSpace space, Func<TracedThread, RemoteCallResult> action)
    {
        foreach (TracedThread thread in Candidates(process))
        {
            bool wasStopped = thread.State == TraceState.Stopped;
            if (!Tracer.TryStop(thread))
                continue;
            RemoteCallResult result = RemoteCallResult.Gone;
            if (process.RunsIn(space))
            {
                using BorrowedThread.Loan borrowed = Calls.Borrow(thread); // For all that the action calls.
                result = action(thread);
            }

            if (!wasStopped && thread.State == TraceState.Stopped && !thread.IsHeld)
                Processes.Tracer.Resume(thread);
            if (result.Outcome != RemoteCallOutcome.Gone)
                return result;
        }

        return RemoteCallResult.Gone;
    }

    /// <summary>Stopped threads first, the leader last: it may have exited while the others live.</summary>
    private static List<TracedThread> Candidates(TracedProcess process) =>
        [.. process.Threads.Values.OrderBy(t => t.State == TraceState.Stopped ? 0 : t.ThreadId == process.ProcessId && process.Threads.Count > 1 ? 2 : 1)];
}
