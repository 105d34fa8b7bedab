using Uprobes.Arming.Inline;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>Children of processes that nobody attended when they forked: their text is a copy, patches included, whose programs do not run.</summary>
internal sealed partial class TrapEngine
{
    private const int MostLooks = 32;

    /// <summary>Processes that have been looked at and are none of ours.</summary>
    private HashSet<int> _others = [];

    /// <summary>Those that inherit orphans of ours.</summary>
    private readonly HashSet<int> _heirs = [1];
    private int _lastTask = -1;

    /// <summary>The number of the last task that was there when children were looked for.</summary>
    private int _lastLook = -1;
    private bool _hasNewTasks;

    /// <summary>Children that could not be taken in yet.</summary>
    private readonly HashSet<int> _waiting = [];

    /// <summary>From now on children of a process that was just taken in are looked for; those that it has already are not.</summary>
    internal void NoteOthers(IEnumerable<TracedProcess> processes)
    {
        if (!_services.Detaches)
            return;
        _ = HasNewTasks();
        _lastLook = _lastTask;
        _others = [.. Tracer.ListProcesses()];
        foreach (TracedProcess process in processes)
        {
            for (int pid = process.ProcessId; ThreadStatus.TryRead(pid) is { ParentId: > 0 and var parent } && _heirs.Add(parent);)
                pid = parent;
        }
    }

    /// <summary>Takes in the children that ours have forked while nobody was there, and theirs.</summary>
    /// <param name="everywhere">Whether all processes are looked at, and not only those that are new and by their parents may be such.</param>
    private void FindChildren(bool everywhere = false)
    {
        if (!HasNewTasks() && !everywhere)
            return;
        _hasNewTasks = false;
        ForgetNumbersGivenAnew();
        // A process that is gone by now may have left a child just after the last look: until a look finds nobody new.
        bool isNew = true;
        for (int looks = 0; isNew && looks < MostLooks; looks++)
        {
            isNew = false;
            List<int> present = Tracer.ListProcesses();
            _others.IntersectWith(present);
            HashSet<int> unseen = [.. present];
            foreach (int pid in present)
                isNew |= Examine(pid, unseen, everywhere);

            _waiting.IntersectWith(present);
            everywhere = false;
        }
    }

    /// <summary>Looks at a process that may be a child of one of ours, once it has been looked at its parent. Returns whether it was not known.</summary>
    private bool Examine(int pid, HashSet<int> unseen, bool everywhere)
    {
        if (!unseen.Remove(pid) || pid == Environment.ProcessId || _services.Tracer.TryGetProcess(pid, out _) || (_others.Contains(pid) && !everywhere))
            return false;
        bool isNew = !_waiting.Contains(pid);
        if (ThreadStatus.TryRead(pid) is not { State: not ('Z' or 'X') } status)
        {
            _others.Add(pid);
            return isNew;
        }

        // Where numbers have begun anew, a child's is smaller than its parent's.
        isNew |= Examine(status.ParentId, unseen, everywhere);
        if (_services.Tracer.TryGetProcess(pid, out _))
            return isNew; // Taken in with its parent.
        if (FindParent(pid, status, everywhere) is { } parent)
            TakeIn(pid, parent);
        else if (!_waiting.Contains(status.ParentId))
            _others.Add(pid);
        else
            Await(pid); // Until its parent is taken in.
        return isNew;
    }

    /// <summary>
    /// A process that is none of ours may have ended since the last look, and its number may be that of a child of ours by now: the kernel gives numbers
    /// in order, and begins anew behind the last. (Numbers that have gone round between two looks are not noticed.)
    /// </summary>
    private void ForgetNumbersGivenAnew()
    {
        (int first, int last) = (_lastLook, _lastTask);
        _lastLook = last;
        if (first > 0 && last > 0)
            _others.RemoveWhere(pid => first <= last ? pid > first && pid <= last : pid > first || pid <= last);
    }

    /// <summary>Whether any task was made since children were looked for, or a child could not be taken in then.</summary>
    private bool HasNewTasks()
    {
        Span<byte> load = stackalloc byte[128];
        int read = ProcFile.Read("/proc/loadavg", load); // The last field is the number of the last task that was made (proc(5)).
        ReadOnlySpan<byte> text = load[..Math.Max(read, 0)].TrimEnd((byte)'\n');
        bool isKnown = int.TryParse(text[(text.LastIndexOf((byte)' ') + 1)..], out int last);
        _hasNewTasks |= !isKnown || last != _lastTask;
        _lastTask = last;
        return _hasNewTasks;
    }

    private TracedProcess? FindParent(int pid, ThreadStatus status, bool everywhere)
    {
        if (_services.Tracer.TryGetProcess(status.ParentId, out TracedProcess? parent))
            return parent;
        if (!everywhere && !_heirs.Contains(status.ParentId))
            return null;
        // Its parent has ended. Several of ours may have that one's memory: what is nearest tells what is in the text.
        List<Mapping>? mappings = null;
        int most = -1;
        foreach ((SpaceArming space, TracedProcess process) in Spaces())
        {
            foreach (ulong start in space.Inline.ChunkStarts)
            {
                mappings ??= MappingParser.ReadProcess(pid);
                if (!IsOurKind(mappings, start) || CountPatches(space, pid) is not { } patches || patches <= most)
                    continue;
                (parent, most) = (process, patches);
            }
        }

        return parent;
    }

    private static bool IsOurKind(List<Mapping> mappings, ulong start) => mappings.Exists(m => m.Start == start && m.IsExecutable && !m.HasFile);

    /// <summary>How many patches of an address space are in the text of a process with a copy of it; null where it has none.</summary>
    private static int? CountPatches(SpaceArming space, int pid)
    {
        try
        {
            using TraceeMemory memory = new(pid);
            return InlineSpace.IsCopiedIn(memory, space.Inline.ChunkStarts) ? space.Inline.CountPatchesIn(memory) : null;
        }
        catch (SyscallException)
        {
            return null; // It has ended, or is somebody else's.
        }
    }

    private void Await(int pid)
    {
        _hasNewTasks = true;
        _waiting.Add(pid);
    }

    /// <summary>Takes a child in; one that cannot be now is tried again at the next look.</summary>
    private void TakeIn(int pid, TracedProcess parent)
    {
        Await(pid); // Until nothing is found.
        if (Tasks.ShareMemory(parent.ProcessId, pid) ?? IsInMiddleOfVfork(parent))
            return; // It is about to execute.
        SpaceArming? space = parent.HasSpace ? parent.Space.EngineState as SpaceArming : null;
        TracedProcess child;
        try
        {
            child = _services.Tracer.Attach(pid);
        }
        catch (AttachException e)
        {
            if (e.Reason is AttachFailure.AlreadyTraced)
                return;
            _others.Add(pid);
            _waiting.Remove(pid);
            if (e.Reason is not (AttachFailure.NoSuchProcess or AttachFailure.Zombie))
                _events.OnNotice($"{e.Message}: as a child of process {parent.ProcessId} it runs without probes", pid);
            return;
        }

        _waiting.Remove(pid);
        child.IsFollowed = parent.IsFollowed && _followForks; // Should it execute right now.
        // What it forks on the way to its stop is reported, and has the same copy.
        bool isCopy = space is not null && !child.Space.Memory.IsGone && HoldsCopy(space, child);
        ForkedSpace? copied = isCopy ? space!.Snapshot(parent.ProcessId, pid) : null;
        if (copied is not null)
            _ = SpaceArming.ForChild(_services, child, copied);
        using SpaceStop stop = new(_services.Tracer, child.Space);
        if (stop.IsGone || !IsKnown(child))
            return;
        // What these have is a copy of a copy; the child's own is about to change.
        foreach (int grandchild in Tracer.ListProcesses())
        {
            if (!_others.Contains(grandchild) && !_services.Tracer.TryGetProcess(grandchild, out _) && ThreadStatus.TryRead(grandchild)?.ParentId == pid)
                TakeIn(grandchild, parent);
        }

        ForkOrigin origin = new(parent, parent.ProcessId, SharesMemory: false, child.Space.Memory.IsGone ? null : copied);
        if (OnForked(child, origin))
            return;
        _services.Tracer.Detach(child);
        _others.Add(pid);
    }

    /// <summary>
    /// Whether a thread may wait for a child in its memory, where kcmp(2) does not tell, as in some containers: such a thread is in state D. One
    /// that waits for a disk only has its process's children wait too, until the next look.
    /// </summary>
    private static bool IsInMiddleOfVfork(TracedProcess parent) =>
        Tracer.ListThreads(parent.ProcessId).Exists(tid => ThreadStatus.TryRead(tid) is { State: 'D' });

    /// <summary>Whether a child's memory is a copy of an address space, patches included, and not that of another program.</summary>
    private static bool HoldsCopy(SpaceArming space, TracedProcess child)
    {
        List<Mapping> mappings = child.ReadMappings(out _);
        return InlineSpace.IsCopiedIn(child.Space.Memory, space.Inline.ChunkStarts.Where(start => IsOurKind(mappings, start)));
    }
}
