using Uprobes.Arming.X64;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>Putting breakpoints into text and taking them out.</summary>
internal sealed partial class SpaceArming
{
    private const byte Int3 = 0xCC;
    private const int LongestInstruction = 15;

    /// <summary>Arms points of one image in one of its mappings. Those that stand already are left as they are.</summary>
    /// <param name="process">A process of this address space.</param>
    /// <param name="mapping">An executable mapping of the points' file.</param>
    /// <param name="points">Ascending by offset; those outside the mapping are passed over.</param>
    internal void ArmMapping(TracedProcess process, in Mapping mapping, IReadOnlyList<ArmedPoint> points)
    {
        List<Site> fresh = [];
        Inline.ClearLeftovers(process);
        // A point that a handler in the tracer wants by now cannot stay a jump.
        Inline.Remove(process, static point => point.Sink.Programs is null);
        IReadOnlySet<ArmedPoint> inline = Inline.Arm(process, mapping, points, HasBreakpoint);
        TextWindow text = new(_space.Memory);
        foreach (ArmedPoint point in points)
        {
            if (inline.Contains(point))
                continue;
            if (point.Offset.Value < mapping.FileOffset || point.Offset.Value - mapping.FileOffset >= mapping.Length)
                continue;
            ulong address = mapping.Start + (point.Offset.Value - mapping.FileOffset);
            if (_sites.TryGetValue(address, out Site? known) && Stands(known, text))
            {
                known.Point = point;
                point.Sink.OnArmed(SiteKinds.Breakpoint);
                continue;
            }

            if (!_services.MayTrap)
                Refuse(point, Inline.WhyNotArmed(process, mapping, point));
            else if (Inline.Find(address) is not null && !TryExpel(process, mapping, address))
                Refuse(point, new ArmingRefusal(ArmingRefusalReason.ThreadsDidNotStop, "another probe's patch covers the instruction, and the threads did not stop in time to take it out"));
            else if (mapping.IsShared)
                Refuse(point, new ArmingRefusal(ArmingRefusalReason.SharedMapping, $"process {process.ProcessId} maps the text shared: a breakpoint would change the file for everyone"));
            else if (Prepare(address, point.Original, known) is { } site)
            {
                site.Point = point;
                fresh.Add(site);
            }
            else
                Refuse(point, new ArmingRefusal(ArmingRefusalReason.UnsupportedInstruction, "the instruction cannot be displaced"));
        }

        // What is mapped now may have other instructions around an unchanged one: the point is a guess there.
        ArmingRefusal? changed = fresh.Count == 0 || !_services.Catalog.HasImageChanged(fresh[0].Point!) ? null
            : new ArmingRefusal(ArmingRefusalReason.ImageChanged, $"{mapping.Path} was written to after it was opened: remove its probes and register them anew");
        foreach ((Site site, ArmingRefusal refusal) in changed is null ? Arm(process, mapping, fresh) : [.. fresh.Select(s => (s, changed))])
        {
            ArmedPoint point = site.Point!;
            site.Point = null;
            Refuse(point, refusal);
        }

        void Refuse(ArmedPoint point, ArmingRefusal refusal)
        {
            if (process.RunsIn(_space) && !_space.Memory.IsGone) // One that ended meanwhile has no more need of it.
                _services.Catalog.OnArmingRefused(point, refusal, process.ProcessId);
        }
    }

    /// <summary>Arms a site of the engine's own, at an address that is not a probe point. Null when it cannot be.</summary>
    internal Site? ArmInternal(TracedProcess process, in Mapping mapping, ulong address) => ArmInternal(process, mapping, address, out _);

    /// <param name="process">A process of this address space.</param>
    /// <param name="mapping">The mapping that the address is in.</param>
    /// <param name="address">An instruction.</param>
    /// <param name="refusal">Why it was not armed, where arming was tried.</param>
    internal Site? ArmInternal(TracedProcess process, in Mapping mapping, ulong address, out ArmingRefusal? refusal)
    {
        refusal = null;
        if (_sites.TryGetValue(address, out Site? known) && Stands(known, new TextWindow(_space.Memory)))
            return known;
        if (mapping.IsShared)
            return null;
        if (Inline.Find(address) is not null)
        {
            if (!TryExpel(process, mapping, address))
                return null;
            if (_sites.TryGetValue(address, out known) && known.State == SiteState.Armed)
                return known; // The patch was at this very place, and a breakpoint is now.
        }

        byte[] original = new byte[LongestInstruction];
        int read = _space.Memory.Read(new RemoteAddress(address), original);
        HideBreakpoints(address, original.AsSpan(0, read));
        Site? site = Prepare(address, original[..read], known);
        if (site is null || Arm(process, mapping, [site]) is not [var refused, ..])
            return site;
        refusal = refused.Refusal;
        return null;
    }

    /// <summary>Whether breakpoints stand in a range of the text.</summary>
    private bool HasBreakpoint(ulong address, int length)
    {
        for (int i = 0; i < length; i++)
        {
            if (_sites.TryGetValue(address + (ulong)i, out Site? site) && site.State == SiteState.Armed)
                return true;
        }

        return false;
    }

    /// <summary>Takes a patch out of the way of a breakpoint; its points get breakpoints too.</summary>
    private bool TryExpel(TracedProcess process, in Mapping mapping, ulong address)
    {
        if (Inline.Find(address) is not { } patched)
            return true;
        ArmedPoint[] points = [.. patched.Points.Values];
        Inline.Expel(process, patched);
        if (Inline.Find(address) is not null)
            return false;
        List<Site> sites = [];
        foreach (ArmedPoint point in points)
        {
            ulong place = mapping.Start + (point.Offset.Value - mapping.FileOffset);
            if (Prepare(place, point.Original, _sites.GetValueOrDefault(place)) is { } site)
            {
                site.Point = point;
                sites.Add(site);
            }
        }

        foreach ((Site site, ArmingRefusal refusal) in Arm(process, mapping, sites))
            _services.Catalog.OnArmingRefused(site.Point!, refusal, process.ProcessId);
        return true;
    }

    /// <summary>
    /// Whether a site's breakpoint is in the text. One that vanished without us (its page was discarded or mapped anew by system
    /// calls that nobody saw) is known to be lost from then on, so that it is armed again.
    /// </summary>
    private bool Stands(Site site, TextWindow text)
    {
        if (site.State != SiteState.Armed)
            return false;
        if (text.Read(site.Address, 1) is [Int3])
            return true;
        LeaveGuardian(site);
        site.State = SiteState.Lost;
        return false;
    }

    /// <summary>Takes a breakpoint out of the text, if it is still ours. The site stays known.</summary>
    /// <returns>Whether the text is as it was, or gone with its process.</returns>
    internal bool Disarm(Site site)
    {
        if (site.State != SiteState.Armed)
            return true;
        bool restored = IsOurs(site) && _space.Memory.WriteAll(new RemoteAddress(site.Address), site.Original.AsSpan(0, 1)) == 0;
        _services.Step?.Invoke("text restored");
        site.State = restored ? SiteState.Disarmed : SiteState.Lost;
        LeaveGuardian(site);
        // Asked afterwards: the end may come at any moment.
        return restored || _space.Memory.IsGone;
    }

    /// <summary>
    /// Whether the breakpoint and what follows it are as they were left: a file that was truncated and written anew brings its own
    /// bytes, and where those are a breakpoint by chance the rest differs (traps M2).
    /// </summary>
    private bool IsOurs(Site site)
    {
        Span<byte> memory = stackalloc byte[LongestInstruction];
        memory = memory[..Math.Min(site.Instruction.Length, site.Original.Length)];
        if (_space.Memory.Read(new RemoteAddress(site.Address), memory) != memory.Length || memory[0] != Int3)
            return false;
        HideBreakpoints(site.Address, memory);
        return memory.SequenceEqual(site.Original.AsSpan(0, memory.Length));
    }

    /// <summary>Reads memory as it would be without our breakpoints. False where it cannot be read whole.</summary>
    internal bool TryReadOriginal(ulong address, Span<byte> destination)
    {
        if (_space.Memory.Read(new RemoteAddress(address), destination) != destination.Length)
            return false;
        HideBreakpoints(address, destination);
        return true;
    }

    internal bool TryReadWord(ulong address, out ulong value) => _space.Memory.TryReadWord(new RemoteAddress(address), out value);

    /// <summary>The byte that is in memory now, or -1.</summary>
    internal int ReadByte(ulong address)
    {
        byte now = 0;
        return _space.Memory.Read(new RemoteAddress(address), new Span<byte>(ref now)) == 1 ? now : -1;
    }

    /// <summary>Decodes a site; null when its instruction cannot be displaced.</summary>
    private Site? Prepare(ulong address, byte[] original, Site? known)
    {
        known ??= _retired.GetValueOrDefault(address);
        if (known is not null && known.Original.AsSpan(0, known.Instruction.Length).SequenceEqual(
                original.AsSpan(0, Math.Min(original.Length, known.Instruction.Length))))
            return known; // Armed before: its slot serves again.
        return InstructionRelocator.TryInspect(original, address, out InspectedInstruction instruction, out _)
            ? new Site(address, original, instruction)
            : null;
    }

    private List<(Site Site, ArmingRefusal Refusal)> Arm(TracedProcess process, in Mapping mapping, List<Site> sites)
    {
        List<(Site, ArmingRefusal)> refused = [];
        if (sites.Count == 0)
            return refused;
        if (EnsureNet(process, 2 * sites.Count) is { } noNet)
            return [.. sites.Select(s => (s, noNet))];
        int wanted = sites.Count(s => s.Slot == 0);
        if (wanted > 0 && EnsureSlots(process, mapping, wanted, null) is { } noRoom)
            return [.. sites.Select(s => (s, noRoom))];

        List<Site> ready = [];
        SlotWriter slots = new(_space.Memory);
        TextWindow text = new(_space.Memory);
        bool? hasShadowStack = null;
        foreach (Site site in sites)
        {
            if (site.Instruction.PushesReturn && (hasShadowStack ??= ShadowStacks.AreUsed(process)) is true)
                refused.Add((site, new ArmingRefusal(ArmingRefusalReason.ShadowStack,
                    $"process {process.ProcessId} has a shadow stack, which a call from another place does not keep")));
            else if (Check(site, text) is { } differs)
                refused.Add((site, differs));
            else if (site.Slot != 0 || FillSlot(process, mapping, site, slots, out ArmingRefusal? refusal))
                ready.Add(site);
            else
                refused.Add((site, refusal!));
        }

        // The order keeps the tracee safe at every moment: the slot before the table's entry, that before the guardian's
        // entry, that before the breakpoint.
        int error = slots.Flush();
        _services.Step?.Invoke("slots written");
        if (error == 0)
            error = _net!.Add(_space.Memory, [.. ready.SelectMany(s => SafetyNet.EntriesOf(s.Address, s.Slot))]);
        _services.Step?.Invoke("table written");
        foreach (Site site in ready)
        {
            if (error == 0)
                _services.Guard(site, _space);
            _services.Step?.Invoke("guardian told");
            if (error == 0 && _space.Memory.WriteAll(new RemoteAddress(site.Address), [Int3]) is not 0 and var failed)
            {
                LeaveGuardian(site);
                refused.Add((site, new ArmingRefusal(ArmingRefusalReason.TextNotWritable, $"the text could not be written: {Errno.Name(failed)}")));
                continue;
            }

            if (error != 0)
            {
                refused.Add((site, new ArmingRefusal(ArmingRefusalReason.ProcessGone, $"memory of process {process.ProcessId} could not be written: {Errno.Name(error)}")));
                continue;
            }

            _services.Step?.Invoke("breakpoint written");
            site.State = SiteState.Armed;
            site.Point?.Sink.OnArmed(SiteKinds.Breakpoint);
            _sites[site.Address] = site;
            _retired.Remove(site.Address);
        }

        return refused;
    }

    private bool FillSlot(TracedProcess process, in Mapping mapping, Site site, SlotWriter slots, out ArmingRefusal? refusal)
    {
        refusal = EnsureSlots(process, mapping, 1, site.Instruction.DataReach);
        if (refusal is not null)
            return false;
        site.Slot = FindChunk(mapping, site.Instruction.DataReach, 1)!.Take(site, stopsAfter: false);
        if (InstructionRelocator.TryRelocate(site.Original, site.Address, site.Slot, stopAfter: false, out RelocatedInstruction? code, out RelocationRefusal? reason))
        {
            slots.Add(site.Slot, code.Code);
            return true;
        }

        refusal = new ArmingRefusal(ArmingRefusalReason.UnsupportedInstruction, reason.Message);
        return false;
    }

    /// <summary>Compares memory with what the site is expected to hold.</summary>
    private ArmingRefusal? Check(Site site, TextWindow text)
    {
        Span<byte> memory = stackalloc byte[LongestInstruction];
        int length = site.Instruction.Length;
        ReadOnlySpan<byte> now = text.Read(site.Address, length);
        now.CopyTo(memory);
        if (now.Length != length)
            return new ArmingRefusal(ArmingRefusalReason.ProcessGone, $"the text at 0x{site.Address:x} cannot be read");
        HideBreakpoints(site.Address, memory[..length]);
        if (memory[..length].SequenceEqual(site.Original.AsSpan(0, length)))
            return null;
        return new ArmingRefusal(ArmingRefusalReason.MemoryDiffers,
            $"memory at 0x{site.Address:x} is {Convert.ToHexString(memory[..length])}, the file has {Convert.ToHexString(site.Original.AsSpan(0, length))}: "
            + (memory[0] == Int3 ? "another tool's breakpoint stands there" : "the program or another tool has changed it"));
    }

    /// <summary>Puts original bytes in place of breakpoints of ours in what was read from memory.</summary>
    internal void HideBreakpoints(ulong address, Span<byte> bytes)
    {
        Inline.Hide(address, bytes);
        // A search for the byte, not a loop over all: whole texts pass here.
        for (int i = 0, next; (next = bytes[i..].IndexOf(Int3)) >= 0; i++)
        {
            i += next;
            if (_sites.TryGetValue(address + (ulong)i, out Site? site) && site.State == SiteState.Armed)
                bytes[i] = site.Original[0];
        }
    }
}
