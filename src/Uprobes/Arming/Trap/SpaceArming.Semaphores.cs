using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Uprobes.Arming.Inline;
using Uprobes.Images.StaticProbes;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>
/// Semaphores of static probes: counters in the program's data that say how many tracers want to see a probe. One of each is ours for as
/// long as a probe with it is armed in this address space, however many probes and consumers share it.
///
/// <para>A fork copies the counter with what is ours of it, and the child gives that back for itself. Which is exact only if no copy can be made
/// while a counter and what we know of it differ: counters are changed while all threads are stopped, and forks that
/// were on their way are reported before (traps T13). For the same reason nothing of the program's own can be lost between reading and writing.</para>
/// </summary>
internal sealed partial class SpaceArming
{
    private readonly Dictionary<ulong, HeldSemaphore> _semaphores = [];
    private readonly AwaitedSemaphores _awaited = new();

    private SafeFileHandle? _maps;

    /// <summary>Counters that could not count any further, which was told.</summary>
    private readonly HashSet<ulong> _full = [];

    /// <summary>Whether a probe is armed whose semaphore is not mapped yet: the dynamic linker maps data after text.</summary>
    internal bool AwaitsSemaphores => _awaited.Any;

    /// <summary>Whether some counters have one of ours.</summary>
    internal bool HoldsSemaphores => _semaphores.Count > 0;

    /// <summary>Counts up what armed probes need, and down what none needs any more.</summary>
    internal void SettleSemaphores(TracedProcess process)
    {
        if (_semaphores.Count == 0 && _awaited.IsEmpty && !_services.Catalog.HasSemaphores)
            return;
        Dictionary<ulong, SemaphoreFile> wanted = WantedSemaphores();
        if (_awaited.IsEmpty && wanted.Count == _semaphores.Count && wanted.Keys.All(StillHolds))
            return;
        List<Mapping> mappings = process.ReadMappings(out _);
        if (mappings.Count == 0)
            return; // Its end is reported.
        foreach (ulong address in wanted.Keys.Where(address => _semaphores.ContainsKey(address) && !StillHolds(address)).ToArray())
            Forget(address);
        _full.IntersectWith(wanted.Keys);
        Dictionary<ulong, SemaphoreFile> missing = Missing(wanted, mappings);
        if (_semaphores.Keys.Any(address => !wanted.ContainsKey(address)) || wanted.Keys.Any(address => !IsDone(address) && !missing.ContainsKey(address)))
            ChangeSemaphores(process, wanted, missing, mappings);
        TellMissing(process, missing, mappings);
    }

    private void ChangeSemaphores(TracedProcess process, Dictionary<ulong, SemaphoreFile> wanted, Dictionary<ulong, SemaphoreFile> missing, List<Mapping> mappings)
    {
        using SpaceStop stop = new(_services.Tracer, _space);
        if (stop.IsGone)
            return;
        foreach (ulong address in _semaphores.Keys.Where(address => !wanted.ContainsKey(address)).ToArray())
            GiveBack(address, mappings);
        foreach ((ulong address, SemaphoreFile file) in wanted)
        {
            if (!IsDone(address) && !missing.ContainsKey(address))
                Take(process, address, file);
        }
    }

    private void TellMissing(TracedProcess process, Dictionary<ulong, SemaphoreFile> missing, List<Mapping> mappings)
    {
        foreach ((ulong address, string problem) in _awaited.Look(missing, IsDone, mappings))
        {
            _services.Notice($"process {process.ProcessId}: the semaphore of a static probe, at 0x{address:x}, could not be counted up, since {problem}; "
                + "the program may not have come by the probe");
        }
    }

    /// <summary>Gives back all that is ours.</summary>
    /// <param name="process">A process of this address space.</param>
    /// <param name="mayStop">Whether its threads can be stopped for it.</param>
    internal void ReleaseSemaphores(TracedProcess process, bool mayStop)
    {
        if (_semaphores.Count == 0 && _awaited.IsEmpty)
            return;
        List<Mapping> mappings = process.ReadMappings(out _);
        if (mappings.Count > 0)
            TellMissing(process, [], mappings);
        if (_semaphores.Count == 0)
            return;
        using SpaceStop? stop = mayStop ? new SpaceStop(_services.Tracer, _space) : null;
        foreach (ulong address in _semaphores.Keys.ToArray())
            GiveBack(address, mappings);
    }

    /// <summary>Whether what is awaited has come.</summary>
    private bool HasAwaitedSemaphore(TracedProcess process, List<Mapping> mappings)
    {
        if (!_awaited.Any || mappings.Count == 0)
            return false;
        Dictionary<ulong, SemaphoreFile> wanted = WantedSemaphores(), missing = Missing(wanted, mappings);
        TellMissing(process, missing, mappings);
        return wanted.Keys.Any(address => !IsDone(address) && !missing.ContainsKey(address));
    }

    private Dictionary<ulong, SemaphoreFile> Missing(Dictionary<ulong, SemaphoreFile> wanted, List<Mapping> mappings) =>
        wanted.Where(w => !IsDone(w.Key) && !w.Value.IsAt(w.Key, mappings)).ToDictionary();

    private bool IsDone(ulong address) => _semaphores.ContainsKey(address) || _full.Contains(address);

    private Dictionary<ulong, SemaphoreFile> WantedSemaphores()
    {
        Dictionary<ulong, SemaphoreFile> wanted = [];
        foreach (Site site in _sites.Values)
        {
            if (site is { Point: { } point, State: SiteState.Armed })
                Add(site.Address, point);
        }

        foreach (InlineSite site in Inline.Sites)
        {
            if (site.State != SiteState.Armed)
                continue;
            foreach ((int distance, ArmedPoint point) in site.Points)
                Add(site.Address + (ulong)distance, point);
        }

        return wanted;

        void Add(ulong address, ArmedPoint point)
        {
            foreach (SemaphorePlace semaphore in point.Sink.Semaphores)
            {
                if (TryFindExecutable(address, out Mapping text))
                    wanted[unchecked(address + (ulong)semaphore.Distance)] = new SemaphoreFile(text.Device, text.Inode, semaphore.Offset);
            }
        }
    }

    /// <summary>Whether one is ours, and still there: a counter of 0 was mapped anew.</summary>
    private bool StillHolds(ulong address) => _semaphores.ContainsKey(address) && TryReadCounter(address, out ushort count) && count > 0;

    private void Take(TracedProcess process, ulong address, SemaphoreFile file)
    {
        if (!TryReadCounter(address, out ushort count))
            return;
        if (count == ushort.MaxValue)
        {
            _full.Add(address);
            _services.Notice($"process {process.ProcessId}: the semaphore of a static probe at 0x{address:x} cannot count any further; the probe may not be reached");
            return;
        }

        int entry = _services.GuardSemaphore(_space, MapsDescriptor(process), address, file, count);
        _services.Step?.Invoke("semaphore entered");
        if (!TryWriteCounter(address, (ushort)(count + 1)))
        {
            LeaveGuardian(entry);
            return;
        }

        _services.Step?.Invoke("semaphore raised");
        if (entry >= 0)
            _services.Guardian!.SettleSemaphore(entry);
        _semaphores[address] = new HeldSemaphore(file, entry);
    }

    private void GiveBack(ulong address, List<Mapping> mappings)
    {
        HeldSemaphore held = _semaphores[address];
        // What is not there any more, or was mapped anew, has nothing of ours.
        if (held.File.IsAt(address, mappings) && TryReadCounter(address, out ushort count) && count > 0)
        {
            if (held.GuardianEntry >= 0)
                _services.Guardian!.UnsettleSemaphore(held.GuardianEntry, (ushort)(count - 1));
            _services.Step?.Invoke("semaphore leaving");
            _ = TryWriteCounter(address, (ushort)(count - 1)); // A process that has just ended needs none.
            _services.Step?.Invoke("semaphore lowered");
        }

        Forget(address);
    }

    private void Forget(ulong address)
    {
        if (_semaphores.Remove(address, out HeldSemaphore held))
            LeaveGuardian(held.GuardianEntry);
    }

    private void LeaveGuardian(int entry)
    {
        if (entry >= 0)
            _services.Guardian!.Remove(entry);
    }

    /// <summary>What a forked child has of ours in its copies. What the parent has unmapped before the fork, or mapped anew, has nothing of ours.</summary>
    private void TakeSemaphores(TracedProcess child, KeyValuePair<ulong, HeldSemaphore>[] parent)
    {
        if (parent.Length == 0)
            return;
        List<Mapping> mappings = child.ReadMappings(out _);
        foreach ((ulong address, HeldSemaphore held) in parent)
        {
            if (!held.File.IsAt(address, mappings))
                continue;
            int entry = _services.GuardSemaphore(_space, MapsDescriptor(child), address, held.File, 0);
            if (entry >= 0)
                _services.Guardian!.SettleSemaphore(entry);
            _semaphores.Add(address, held with { GuardianEntry = entry });
        }
    }

    /// <summary>By which the guardian learns what is mapped, long after the process's number may have become another's; -1 where it cannot be opened.</summary>
    private int MapsDescriptor(TracedProcess process)
    {
        if (_services.Guardian is null)
            return -1;
        _maps ??= ReadOnlyFile.TryOpen($"/proc/{process.LiveThread()?.ThreadId ?? process.ProcessId}/maps", out _);
        return _maps is null ? -1 : (int)_maps.DangerousGetHandle();
    }

    private bool TryReadCounter(ulong address, out ushort count)
    {
        Span<byte> bytes = stackalloc byte[StaticProbeNote.SemaphoreBytes];
        bool isRead = _space.Memory.Read(new RemoteAddress(address), bytes) == bytes.Length;
        count = isRead ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : (ushort)0;
        return isRead;
    }

    private bool TryWriteCounter(ulong address, ushort count)
    {
        Span<byte> bytes = stackalloc byte[StaticProbeNote.SemaphoreBytes];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, count);
        return _space.Memory.WriteAll(new RemoteAddress(address), bytes) == 0;
    }
}
