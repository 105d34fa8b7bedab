using System.Buffers.Binary;
using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Channels;
using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Processes.X64;
using Uprobes.Programs.X64;

namespace Uprobes.Arming.Inline;

/// <summary>Memory in the tracee: chunks for trampolines, channels for programs.</summary>
internal sealed partial class InlineSpace
{
    private const int NameOffset = 40;
    private string? _obstacle;

    /// <summary>Makes a site's trampoline, in memory of the tracer and at an address that is its own from then on.</summary>
    private Trampoline? Build(TracedProcess process, in Mapping image, InlineSite site, int more)
    {
        IReadOnlyList<ProgramBinding> bindings = BindingsOf(site);
        List<ProgramSpace> programs = new(bindings.Count);
        List<ProgramCodes> codes = new(bindings.Count);
        foreach (ProgramBinding binding in bindings)
        {
            if ((binding.Group.Return is not null && _thunks is null) || EnsureProgram(process, image, binding.Run) is not { } program)
                return null;
            programs.Add(program);
            codes.Add(program.CodesOf(binding.Group, _thunks?.Table));
        }

        ProgramCode? own = site.OwnProgram is { } ownCode ? new ProgramCode(ownCode, []) : null;
        int most = TrampolineBuilder.MostBytes(site.Length, own, codes);
        int returns = codes.Sum(c => c.Return is { } code ? ReturnStub.MostBytes(code) + 16 : 0);
        if (EnsureChunk(process, image, most + returns, bindings.Count + 1, more) is not { } chunk || !chunk.TryTake(most, out ulong start))
            return null;
        List<PlacedProgram> placed = new(programs.Count + 1);
        List<ReturnStub> stubs = new(capacity: 0);
        if (own is not null)
        {
            _ = chunk.TryTakeFlag(out ulong flag);
            placed.Add(new PlacedProgram(0, own, flag, 0, site.Address, 0, null));
        }

        int index = 0;
        foreach ((int offset, ArmedPoint point) in site.Points)
        {
            foreach (ProgramBinding binding in point.Sink.Programs ?? [])
            {
                _ = chunk.TryTakeFlag(out ulong flag); // There are enough: EnsureChunk has looked.
                PlacedProgram program = new(offset, codes[index].Entry, flag, binding.Probe, site.Address + (ulong)offset, 0, programs[index].Environment.Layout);
                if (codes[index].Return is { } code && chunk.TryTake(ReturnStub.MostBytes(code), out ulong stub))
                {
                    stubs.Add(ReturnStub.Build(program with { Code = code }, stub, _thunks!.Finish));
                    program = program with { ReturnCode = stub };
                }

                placed.Add(program);
                index++;
            }
        }

        Trampoline? made = TrampolineBuilder.Build(site, placed, start, out _);
        if (made is null)
        {
            chunk.Return(start, most);
            foreach (PlacedProgram program in placed)
                chunk.ReturnFlag(program.Flag);
            foreach (ReturnStub stub in stubs)
                chunk.Return(stub.Start, stub.Code.Length);
            return null;
        }

        made = made with { Stubs = stubs };

        chunk.TrimTo(start, most, made.Code.Length);
        foreach (ProgramSpace program in programs)
            program.Users++;
        site.Trampoline = made;
        site.Bindings = bindings;
        return made;
    }

    /// <summary>What a site's points want to have run, in their order.</summary>
    private static IReadOnlyList<ProgramBinding> BindingsOf(InlineSite site) =>
        site.Points.Count == 1 ? site.Points.Values[0].Sink.Programs ?? [] : [.. site.Points.Values.SelectMany(p => p.Sink.Programs ?? [])];

    /// <summary>Writes which programs of sites run.</summary>
    private void SwitchPrograms(IEnumerable<InlineSite> sites)
    {
        List<(ulong Flag, bool IsOn)> flags = [];
        foreach (InlineSite site in sites)
        {
            int own = site.OwnProgram is null ? 0 : 1;
            if (own > 0)
                flags.Add((site.Trampoline!.Flags[0], true));
            for (int i = 0; i < site.Bindings.Count; i++)
                flags.Add((site.Trampoline!.Flags[own + i], site.Bindings[i].Switch.IsOn));
        }

        WriteFlags(flags);
    }

    /// <summary>Has no program of these sites run any more; no thread is stopped for it.</summary>
    private void TurnOff(IEnumerable<InlineSite> sites) =>
        WriteFlags([.. sites.Where(s => s.Trampoline is not null).SelectMany(s => s.Trampoline!.Flags).Select(f => (f, false))]);

    /// <summary>Follows all switches.</summary>
    internal void FollowSwitches() => SwitchPrograms(_sites.Values.Where(s => s.State == SiteState.Armed));

    /// <summary>Follows switches that were thrown. The target is not stopped: its programs look at their flags at each hit.</summary>
    /// <returns>False where memory cannot be written so, though it is there.</returns>
    internal bool FollowSwitches(IReadOnlySet<ProgramSwitch> thrown)
    {
        List<(ulong Flag, bool IsOn)> flags = [];
        foreach (InlineSite site in _sites.Values.Where(s => s.State == SiteState.Armed))
        {
            int own = site.OwnProgram is null ? 0 : 1;
            for (int i = 0; i < site.Bindings.Count; i++)
            {
                if (thrown.Contains(site.Bindings[i].Switch))
                    flags.Add((site.Trampoline!.Flags[own + i], site.Bindings[i].Switch.IsOn));
            }
        }

        return WriteFlags(flags);
    }

    /// <summary>Returns false where memory cannot be written, though it is there.</summary>
    private bool WriteFlags(List<(ulong Flag, bool IsOn)> flags)
    {
        bool isWritten = true;
        // A flag page is written as a whole: one system call for thousands of probes. Nobody else writes it.
        foreach (IGrouping<ulong, (ulong Flag, bool IsOn)> page in flags.GroupBy(f => f.Flag & ~(ulong)(TrampolineChunk.FlagsSize - 1)))
        {
            byte[] bytes = new byte[TrampolineChunk.FlagsSize];
            if (space.Memory.Read(new RemoteAddress(page.Key), bytes) != bytes.Length)
                continue; // Gone.
            int low = bytes.Length, high = 0;
            foreach ((ulong flag, bool isOn) in page)
            {
                int at = (int)(flag - page.Key);
                bytes[at] = isOn ? (byte)1 : (byte)0;
                (low, high) = (Math.Min(low, at), Math.Max(high, at + 1));
            }

            isWritten &= space.Memory.WriteAll(new RemoteAddress(page.Key + (ulong)low), bytes.AsSpan(low, high - low)) is 0 or Errno.ESRCH;
        }

        return isWritten;
    }

    /// <summary>A trampoline that ran these programs is gone.</summary>
    private void Release(IReadOnlyList<ProgramBinding> bindings)
    {
        foreach (ProgramBinding binding in bindings)
        {
            if (_programs.TryGetValue(binding.Run, out ProgramSpace? program))
                program.Users--;
        }
    }

    /// <summary>Unmaps the channels of programs that no trampoline runs any more; what they hold stays with the tracer.</summary>
    private void UnmapUnused(TracedProcess process)
    {
        ProgramSpace[] unused = [.. _programs.Values.Where(p => p.Users == 0)];
        if (unused.Length == 0)
            return;
        services.WithStoppedThread(process, space, thread =>
        {
            foreach (ProgramSpace program in unused)
                _ = services.Calls.Unmap(thread, program.Environment.Channel, (ulong)program.Environment.Layout.Size);
            return RemoteCallResult.Success(0);
        });
        foreach (ProgramSpace program in unused)
            _programs.Remove(program.Run);
    }

    /// <summary>A chunk within reach of an image that has room, mapped if there is none.</summary>
    private TrampolineChunk? EnsureChunk(TracedProcess process, in Mapping image, int bytes, int flags, int more)
    {
        foreach (TrampolineChunk chunk in _chunks)
        {
            if (chunk.HasRoom(bytes, flags) && chunk.Reaches(image.Start) && chunk.Reaches(image.End))
                return chunk;
        }

        int length = TrampolineChunk.LengthFor(Math.Min(more, TrampolineChunk.MostFlags / Math.Max(1, flags)), bytes);
        foreach (ulong address in AddressGaps.Near(process.ReadMappings(out _), image.Start, image.End, (ulong)length).Take(16))
        {
            TrampolineChunk candidate = new(address, length);
            if (!candidate.Reaches(image.Start) || !candidate.Reaches(image.End))
                continue;
            RemoteCallResult result = services.WithStoppedThread(process, space, thread =>
            {
                RemoteCallResult mapped = services.Calls.Map(thread, address, (ulong)length);
                if (!mapped.IsSuccess || mapped.Value == address)
                    return mapped.IsSuccess ? services.Calls.WipeOnFork(thread, address, TrampolineChunk.FlagsSize) : mapped;
                _ = services.Calls.Unmap(thread, mapped.Value, (ulong)length); // A kernel before 4.17 takes MAP_FIXED_NOREPLACE for a hint.
                return RemoteCallResult.Failed(Errno.EEXIST);
            });
            if (result.IsSuccess)
            {
                _chunks.Add(candidate);
                WriteProcessState(process, candidate); // Its name in it is what a later tracer knows it by, should this one be killed.
                return candidate;
            }

            if (result.Outcome != RemoteCallOutcome.Failed || result.Error != Errno.EEXIST)
                break;
        }

        return null;
    }

    /// <summary>A group's channel in this address space; null where it cannot be had.</summary>
    private ProgramSpace? EnsureProgram(TracedProcess process, in Mapping image, ProgramRun run)
    {
        if (_programs.TryGetValue(run, out ProgramSpace? known))
            return known;
        // The first chunk's page tells programs what process they are in: it stays as long as any of them.
        if ((_chunks.Count > 0 ? _chunks[0] : EnsureChunk(process, image, 1024, 1, run.Probes)) is not { } first)
            return null;
        WriteProcessState(process, first);
        if (CreateChannel(process, first, run, 0) is not ({ } address, { } memory))
            return null;
        ProgramSpace made = new(run, new CodeEnvironment(address, run.Layout, first.Start, Calls: null), memory);
        _programs.Add(run, made);
        return made;
    }

    private void WriteProcessState(TracedProcess process, TrampolineChunk chunk)
    {
        byte[] state = new byte[TrampolineChunk.FirstFlag];
        TickCalibration calibration = services.Clock.Value.Calibration;
        int id = ThreadStatus.TryRead(process.LiveThread()?.ThreadId ?? process.ProcessId)?.OwnProcessId ?? process.ProcessId;
        BinaryPrimitives.WriteInt32LittleEndian(state.AsSpan(CodeEnvironment.ProcessIdOffset), id);
        BinaryPrimitives.WriteUInt64LittleEndian(state.AsSpan(CodeEnvironment.TicksOffset), calibration.Ticks);
        BinaryPrimitives.WriteInt64LittleEndian(state.AsSpan(CodeEnvironment.NanosecondsOffset), calibration.Nanoseconds);
        BinaryPrimitives.WriteUInt64LittleEndian(state.AsSpan(CodeEnvironment.RateOffset), calibration.Rate);
        "uprobe\0"u8.CopyTo(state.AsSpan(NameOffset));
        if (_thunks is { } thunks)
            thunks.Table.Describe(state);
        _ = space.Memory.WriteAll(new RemoteAddress(chunk.Start), state);
    }

    /// <summary>Makes the memory file in the tracee, maps it there, at an address or anywhere (0), and here.</summary>
    private (ulong Address, ChannelMemory Memory)? CreateChannel(TracedProcess process, TrampolineChunk chunk, ProgramRun run, ulong at)
    {
        ChannelMemory? memory = null;
        RemoteCallResult mapped = services.WithStoppedThread(process, space, thread =>
        {
            RemoteCallResult file = services.Calls.CreateMemoryFile(thread, new RemoteAddress(chunk.Start + NameOffset));
            if (!file.IsSuccess)
                return file;
            try
            {
                memory = ChannelMemory.CreateFrom($"/proc/{thread.ThreadId}/fd/{file.Value}", run.Layout);
            }
            catch (Exception e) when (e is SyscallException or InvalidDataException)
            {
                services.Notice($"process {process.ProcessId}: no memory could be shared with it ({e.Message}); its probes stop it instead");
            }

            RemoteCallResult result = memory is null ? RemoteCallResult.NoRoom
                : services.Calls.MapShared(thread, at, (ulong)run.Layout.Size, (int)file.Value);
            _ = services.Calls.Close(thread, (int)file.Value);
            if (result.IsSuccess)
                _ = services.Calls.LeaveOutOfDumps(thread, result.Value, (ulong)run.Layout.Size);
            return result;
        });
        if (!mapped.IsSuccess || memory is null)
        {
            memory?.Dispose();
            return null;
        }

        run.Add(new ProcessChannel(process.ProcessId, memory));
        return (mapped.Value, memory);
    }
}
