using Uprobes.Arming.X64;
using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Processes.X64;

namespace Uprobes.Arming.Trap;

/// <summary>Slots: memory for them, and their code.</summary>
internal sealed partial class SpaceArming
{
    /// <summary>Makes sure that a number of slots is free within reach of an image and of a site's operand.</summary>
    private ArmingRefusal? EnsureSlots(TracedProcess process, in Mapping image, int count, ulong? operand)
    {
        if (FindChunk(image, operand, count) is not null)
            return null;
        int length = SlotChunk.LengthFor(count);
        List<Mapping> mappings = process.ReadMappings(out _);
        (ulong start, ulong end) = (image.Start, image.End);
        RemoteCallResult last = RemoteCallResult.Failed(Errno.ENOMEM);
        foreach (ulong address in AddressGaps.Near(mappings, start, end, (ulong)length).Take(16))
        {
            SlotChunk candidate = new(address, length);
            if (!candidate.Reaches(start) || !candidate.Reaches(end) || (operand is { } data && !candidate.Reaches(data)))
                continue;
            last = _services.WithStoppedThread(process, _space, thread => _services.Calls.Map(thread, address, (ulong)length));
            if (last.IsSuccess && last.Value == address)
            {
                _chunks.Add(candidate);
                return null;
            }

            if (last.IsSuccess) // A kernel before 4.17 takes MAP_FIXED_NOREPLACE for a hint.
                _services.WithStoppedThread(process, _space, thread => _services.Calls.Unmap(thread, last.Value, (ulong)length));
            else if (last.Outcome != RemoteCallOutcome.Failed || last.Error != Errno.EEXIST)
                break;
        }

        return Refusal(last, process);
    }

    private SlotChunk? FindChunk(in Mapping image, ulong? operand, int count)
    {
        foreach (SlotChunk chunk in _chunks)
        {
            if (chunk.Free >= count && chunk.Reaches(image.Start) && chunk.Reaches(image.End) && (operand is null || chunk.Reaches(operand.Value)))
                return chunk;
        }

        return null;
    }

    /// <summary>The slot in which a site's instruction stops again for post handlers; made at its first use.</summary>
    internal bool EnsurePostSlot(TracedProcess process, Site site)
    {
        if (site.PostSlot == 0)
        {
            Mapping around = new(site.Address, site.Address + 1, MappingPermissions.Execute, 0, 0, 0, "", false);
            if (EnsureSlots(process, around, 1, site.Instruction.DataReach) is not null
                || FindChunk(around, site.Instruction.DataReach, 1) is not { } chunk)
                return false;
            SlotUse slot = new(site, StopsAfter: true, chunk.Take(site, stopsAfter: true));
            RelocatedInstruction? code = slot.Code;
            if (code is null || _space.Memory.WriteAll(new RemoteAddress(slot.Address), code.Code) != 0)
                return false;
            List<KeyValuePair<ulong, ulong>> exits =
            [
                .. code.Exits.Select(e => new KeyValuePair<ulong, ulong>(slot.Address + (ulong)e.Offset, e.OriginalRip)),
                new(slot.Address - 1, slot.Address),
            ];
            if (EnsureNet(process, exits.Count) is not null || _net!.Add(_space.Memory, exits) != 0)
                return false;
            site.PostSlot = slot.Address;
        }

        return true;
    }

    /// <summary>
    /// Takes stopped threads out of the slots of breakpoints that are gone. A slot goes on behind its instruction, and where no breakpoint stands that may
    /// be in the middle of a patch that is about to be written.
    /// </summary>
    internal void LeaveFormerSlots(IEnumerable<TracedThread> threads)
    {
        foreach (TracedThread thread in threads)
        {
            if (Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) == 0 && TryFindSlot(registers.Rip, out SlotUse slot)
                && slot.Owner.State != SiteState.Armed && SlotExitRules.TryLeave(this, ref registers, out _, out _, out _))
                _ = Ptrace.SetRegisters(thread.ThreadId, registers); // ESRCH: killed meanwhile.
        }
    }

    /// <summary>Makes sure that the safety net is there and has room.</summary>
    private ArmingRefusal? EnsureNet(TracedProcess process, int traps)
    {
        if (_net is not null && _net.HasRoomFor(traps))
            return null;
        SafetyNet? former = _net;
        SafetyNet? made = null;
        RemoteCallResult result = _services.WithStoppedThread(process, _space, thread =>
        {
            ProgramDisposition disposition = former?.Disposition ?? SignalActions.ReadTrapDisposition(_services, thread);
            IReadOnlyCollection<KeyValuePair<ulong, ulong>> entries = former?.Entries ?? disposition.Former?.Entries ?? [];
            int wanted = Math.Max(traps, entries.Count * 2) + entries.Count;
            (made, RemoteCallResult created) = SafetyNet.Create(_services, thread, wanted, disposition, entries);
            if (made is null)
                return created;
            _space.CallArea = made.CallArea;
            if (former is not null && !_space.KeepsCallArea)
                _ = _services.Calls.Unmap(thread, former.Start, (ulong)former.Length); // Nothing uses it any more.
            return created;
        });
        if (!result.IsSuccess || made is null)
            return Refusal(result, process);
        _net = made;
        return null;
    }

    private ArmingRefusal Refusal(RemoteCallResult result, TracedProcess process) => result.Outcome switch
    {
        RemoteCallOutcome.Forbidden => new ArmingRefusal(ArmingRefusalReason.Seccomp,
            $"a seccomp filter of process {process.ProcessId} forbids the system calls that arming needs; run as root, who may suspend it"),
        RemoteCallOutcome.Gone when process.RunsIn(_space) && process.LiveThread() is { } thread && ThreadStatus.TryRead(thread.ThreadId) is { State: not ('Z' or 'X') } =>
            new ArmingRefusal(ArmingRefusalReason.ThreadsDidNotStop,
                $"no thread of process {process.ProcessId} stopped in time: they wait in the kernel, as for a child that has not executed yet; try again later"),
        RemoteCallOutcome.Gone => new ArmingRefusal(ArmingRefusalReason.ProcessGone, $"process {process.ProcessId} ended, or executed another program"),
        RemoteCallOutcome.NoRoom => new ArmingRefusal(ArmingRefusalReason.NoMemoryNearImage,
            $"process {process.ProcessId} has no place to run a system call from"),
        _ => new ArmingRefusal(ArmingRefusalReason.NoMemoryNearImage,
            $"process {process.ProcessId} could not map memory: {Errno.Name(result.Error)} ({Errno.Describe(result.Error)})"),
    };
}
