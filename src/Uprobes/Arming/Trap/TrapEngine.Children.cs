using Uprobes.Arming.Inline;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>Children of processes that nobody attended when they forked: their text is a copy, patches included, whose programs do not run.</summary>
internal sealed partial class TrapEngine
{
    /// <summary>Processes that have been looked at and are none of ours.</summary>
    private HashSet<int> _others = [];

    /// <summary>Those that inherit orphans of ours.</summary>
    private readonly HashSet<int> _heirs = [1];
    private int _lastTask = -1;
    private bool _hasNewTasks;

    /// <summary>From now on children of a process that was just taken in are looked for; those that it has already are not.</summary>
    internal void NoteOthers(IEnumerable<TracedProcess> processes)
    {
        if (!_services.Detaches)
            return;
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
        bool found = true;
        while (found)
        {
            found = false;
            List<int> present = Tracer.ListProcesses();
            _others.IntersectWith(present);
            foreach (int pid in present)
            {
                if (pid == Environment.ProcessId || _services.Tracer.TryGetProcess(pid, out _) || (_others.Contains(pid) && !everywhere))
                    continue;
                if (ThreadStatus.TryRead(pid) is not { } status || status.State is 'Z' or 'X')
                    continue;
                if (FindParent(pid, status, everywhere) is { } parent)
                    found |= TakeIn(pid, parent);
                else
                    _others.Add(pid);
            }

            everywhere = false;
        }
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
        List<Mapping>? mappings = null;
        foreach ((SpaceArming space, TracedProcess process) in Spaces())
        {
            foreach (ulong start in space.Inline.ChunkStarts)
            {
                mappings ??= MappingParser.ReadProcess(pid);
                if (IsOurKind(mappings, start) && HoldsCopy(space, pid))
                    return process;
            }
        }

        return null;
    }

    private static bool IsOurKind(List<Mapping> mappings, ulong start) => mappings.Exists(m => m.Start == start && m.IsExecutable && !m.HasFile);

    private static bool HoldsCopy(SpaceArming space, int pid)
    {
        try
        {
            using TraceeMemory memory = new(pid);
            return InlineSpace.IsCopiedIn(memory, space.Inline.ChunkStarts);
        }
        catch (SyscallException)
        {
            return false; // It has ended, or is somebody else's.
        }
    }

    /// <summary>Takes a child in. False when that has to wait, or it is gone.</summary>
    private bool TakeIn(int pid, TracedProcess parent)
    {
        _hasNewTasks = true; // Until nothing is found.
        if (Tasks.ShareMemory(parent.ProcessId, pid) == true)
            return false; // It is about to execute.
        SpaceArming? space = parent.HasSpace ? parent.Space.EngineState as SpaceArming : null;
        TracedProcess child;
        try
        {
            child = _services.Tracer.Attach(pid);
        }
        catch (AttachException e)
        {
            if (e.Reason is AttachFailure.AlreadyTraced)
                return false; // Looked for again.
            _others.Add(pid);
            if (e.Reason is not (AttachFailure.NoSuchProcess or AttachFailure.Zombie))
                _events.OnNotice($"{e.Message}: as a child of process {parent.ProcessId} it runs without probes", pid);
            return false;
        }

        child.IsFollowed = parent.IsFollowed && _followForks; // Should it execute right now.
        using SpaceStop stop = new(_services.Tracer, child.Space);
        if (stop.IsGone || !IsKnown(child))
            return false;
        bool isCopy = space is not null && !child.Space.Memory.IsGone && HoldsCopy(space, child);
        ForkOrigin origin = new(parent, parent.ProcessId, SharesMemory: false, isCopy ? space!.Snapshot(parent.ProcessId, pid) : null);
        if (OnForked(child, origin))
            return true;
        _services.Tracer.Detach(child);
        _others.Add(pid);
        return true;
    }

    /// <summary>Whether a child's memory is a copy of an address space, patches included, and not that of another program.</summary>
    private static bool HoldsCopy(SpaceArming space, TracedProcess child)
    {
        List<Mapping> mappings = child.ReadMappings(out _);
        return InlineSpace.IsCopiedIn(child.Space.Memory, space.Inline.ChunkStarts.Where(start => IsOurKind(mappings, start)));
    }
}
