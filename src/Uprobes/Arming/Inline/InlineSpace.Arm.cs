using System.Buffers.Binary;
using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>Arming: trampolines are written while the target runs; it is stopped for the patches alone.</summary>
internal sealed partial class InlineSpace
{
    private const byte Jump = 0xE9, ShortJump = 0xEB;

    /// <summary>Arms what can be armed inline of some points of one image in one of its mappings.</summary>
    /// <param name="process">A process of this address space.</param>
    /// <param name="mapping">An executable mapping of the points' file.</param>
    /// <param name="points">Ascending by offset; those outside the mapping are passed over.</param>
    /// <param name="isTrapped">Whether any breakpoint of the trap engine stands in a range of addresses.</param>
    /// <returns>Those that are armed here now; the trap engine is to take the others.</returns>
    internal IReadOnlySet<ArmedPoint> Arm(TracedProcess process, in Mapping mapping, IReadOnlyList<ArmedPoint> points, Func<ulong, int, bool> isTrapped)
    {
        HashSet<ArmedPoint> taken = new(ReferenceEqualityComparer.Instance);
        List<InlineSite> changed = [];
        HashSet<InlineSite> seen = new(ReferenceEqualityComparer.Instance);
        foreach (ArmedPoint point in points)
        {
            if (point.Offset.Value < mapping.FileOffset || point.Offset.Value - mapping.FileOffset >= mapping.Length)
                continue;
            ulong address = mapping.Start + (point.Offset.Value - mapping.FileOffset);
            if (SiteFor(point, address, process, mapping, isTrapped) is not { } site)
                continue;
            site.Points[(int)(address - site.Address)] = point;
            taken.Add(point);
            if (seen.Add(site))
                changed.Add(site);
        }

        changed.RemoveAll(site => site.State == SiteState.Armed && IsUpToDate(site));
        if (changed.Count == 0)
            return taken;
        foreach (InlineSite refused in Install(process, mapping, changed))
            taken.ExceptWith(Abandon(refused));
        foreach (ArmedPoint point in taken)
            point.Sink.OnArmed(SiteKinds.Jump);
        return taken;
    }

    /// <summary>The site for a point: one that is there, or a new one; null where the point is for the trap engine.</summary>
    private InlineSite? SiteFor(ArmedPoint point, ulong address, TracedProcess process, in Mapping mapping, Func<ulong, int, bool> isTrapped)
    {
        if (!services.MayPatch || mapping.IsShared || point.Sink.Programs is not { Count: > 0 } || point.Sink.Plan is not { } plan || Obstacle(process).Length > 0
            || (Follows(point.Sink.Programs) && (!point.Sink.MayFollowCalls || EnsureCalls(process) is null)))
            return null;
        if (plan.Neighbour is { } neighbour)
            return _sites.TryGetValue(address - (point.Offset.Value - neighbour.Value), out InlineSite? joined) ? joined : null;
        if (_sites.TryGetValue(address, out InlineSite? known))
        {
            if (known.State != SiteState.Armed || IsIntact(known))
                return known;
            Forget(known); // It vanished without us: the text is another by now, or was put back.
        }

        if (isTrapped(address, Math.Max(plan.Displaced.Length, plan.Overwritten.Length)))
            return null;
        InlineSite site = MakeSite(plan, address, null);
        if (!MatchesFile(site))
            return null; // The trap engine says what is there.
        Keep(site);
        return site;
    }

    private static InlineSite MakeSite(PatchPlan plan, ulong address, byte[]? ownProgram)
    {
        int length = Math.Max(plan.Displaced.Length, plan.Overwritten.Length);
        byte[] original = new byte[length];
        plan.Displaced.CopyTo(original);
        plan.Overwritten.CopyTo(original);
        return new InlineSite(address, plan.Displaced.Length, original)
        {
            Springboard = plan.Springboard is { } place ? address + (place.Value - plan.Offset.Value) : 0,
            SpringboardOriginal = [.. plan.SpringboardOverwritten],
            Patch = new byte[plan.Overwritten.Length],
            OwnProgram = ownProgram,
        };
    }

    private void Keep(InlineSite site)
    {
        _sites.Add(site.Address, site);
        if (site.Springboard != 0)
            _springboards.Add(site.Springboard, site);
    }

    private string Obstacle(TracedProcess process) => _obstacle ??= ProcessorSupport.Obstacle
        ?? (process.LiveThread() is { } thread && ThreadStatus.TryRead(thread.ThreadId) is { SeccompMode: not 0 } ? "a seccomp filter" : null)
        ?? (ShadowStacks.AreUsed(process) ? "a shadow stack" : null)
        ?? "";

    private bool MatchesFile(InlineSite site)
    {
        Span<byte> now = stackalloc byte[LongestPatch];
        return Holds(site.Address, site.Original, now) && (site.Springboard == 0 || Holds(site.Springboard, site.SpringboardOriginal, now));
    }

    /// <summary>Whether a site's trampoline runs what the points want now.</summary>
    private static bool IsUpToDate(InlineSite site) => site.Bindings.SequenceEqual(site.Points.Values.SelectMany(p => p.Sink.Programs ?? []));

    /// <summary>
    /// Makes trampolines for sites and patches these. A site that is armed already keeps its former trampoline where that fails.
    /// </summary>
    /// <returns>The sites that could not be armed.</returns>
    private List<InlineSite> Install(TracedProcess process, in Mapping mapping, List<InlineSite> sites)
    {
        List<InlineSite> refused = [], built = [];
        Dictionary<InlineSite, (Trampoline Trampoline, IReadOnlyList<ProgramBinding> Bindings)> former = new(ReferenceEqualityComparer.Instance);
        List<(ulong Address, byte[] Code)> writes = [];
        foreach (InlineSite site in sites)
        {
            if (site.Trampoline is { } standing)
                former.Add(site, (standing, site.Bindings));
            if (Build(process, mapping, site, sites.Count) is not { } trampoline)
            {
                refused.Add(site);
                continue;
            }

            writes.Add((trampoline.Start, trampoline.Code));
            writes.AddRange(trampoline.Stubs.Select(s => (s.Start, s.Code)));
            built.Add(site);
        }

        bool isWritten = WriteCode(writes) == 0;
        services.Step?.Invoke("trampolines written");
        if (isWritten)
            SwitchPrograms(built);
        services.Step?.Invoke("flags written");
        _leaving.AddRange(former.Select(f => (f.Key, f.Value.Trampoline)));
        refused.AddRange(isWritten ? Patch(built) : built);
        _leaving.Clear();
        foreach ((InlineSite site, (Trampoline trampoline, IReadOnlyList<ProgramBinding> bindings)) in former)
        {
            if (!refused.Remove(site))
            {
                RenewResumptions(site, trampoline);
                Free(trampoline);
                Release(bindings);
                continue;
            }

            if (site.Trampoline is { } failed && failed != trampoline)
            {
                Free(failed);
                Release(site.Bindings);
            }

            (site.Trampoline, site.Bindings) = (trampoline, bindings);
        }

        UnmapUnused(process);
        return refused;
    }

    /// <summary>Stops the threads and writes the patches.</summary>
    private List<InlineSite> Patch(List<InlineSite> sites)
    {
        if (sites.Count == 0)
            return [];
        List<InlineSite> refused = [];
        using SpaceStop stop = new(services.Tracer, space);
        if (stop.IsGone || stop.Unstoppable.Count > 0)
            return [.. sites];
        if (!NoteNames(stop))
        {
            _obstacle = OneThreadPointer;
            return [.. sites];
        }

        foreach (InlineSite site in sites)
        {
            if (site.State != SiteState.Armed && !MatchesFile(site))
                refused.Add(site); // Changed between the look and the stop.
        }

        InlineSite[] fresh = [.. sites.Where(s => s.State != SiteState.Armed).Except(refused)];
        refused.AddRange(FindSuspended(stop, fresh));
        InlineSite[] ready = [.. refused.Count == 0 ? sites : sites.Except(refused)];
        MoveInto(stop, ready);
        services.Step?.Invoke("threads moved");
        refused.AddRange(Write(ready));
        if (_leaving.Count > 0)
        {
            RollOut(stop);
            ForgetReturnCode(_leaving.Where(l => !refused.Contains(l.Site)).Select(l => l.Trampoline));
        }

        services.NotePause(stop.Elapsed);
        return refused;
    }

    private List<InlineSite> Write(InlineSite[] sites)
    {
        // The springboard comes first: the short jump must not lead into padding.
        TextPatcher patcher = new(space.Memory);
        foreach (InlineSite site in sites)
        {
            ulong entry = site.Trampoline!.Entry;
            if (site.Springboard != 0)
            {
                site.SpringboardPatch = JumpTo(site.Springboard, entry, site.SpringboardOriginal);
                patcher.Add(site.Springboard, site.SpringboardPatch);
            }
        }

        Dictionary<ulong, int> failed = patcher.Flush();
        services.Step?.Invoke("springboards written");
        foreach (InlineSite site in sites)
        {
            if (site.Springboard == 0)
                site.Patch = JumpTo(site.Address, site.Trampoline!.Entry, site.Original.AsSpan(0, PatchPlan.JumpLength));
            else if (failed.ContainsKey(site.Springboard))
                continue;
            else
                site.Patch = [ShortJump, (byte)(site.Springboard - (site.Address + PatchPlan.ShortJumpLength))];
            patcher.Add(site.Address, site.Patch);
        }

        foreach ((ulong address, int error) in patcher.Flush())
            failed.TryAdd(address, error);
        services.Step?.Invoke("patches written");
        List<InlineSite> refused = [];
        foreach (InlineSite site in sites)
        {
            if (failed.ContainsKey(site.Address) || (site.Springboard != 0 && failed.ContainsKey(site.Springboard)))
                refused.Add(site);
            else
                (site.State, site.Standing) = (SiteState.Armed, (site.Trampoline!, site.Bindings));
        }

        return refused;
    }

    /// <summary>
    /// <code>
    /// e9 rel32            jmp  target
    /// </code>
    /// </summary>
    private static byte[] JumpTo(ulong from, ulong target, ReadOnlySpan<byte> former)
    {
        byte[] jump = former.ToArray();
        jump[0] = Jump;
        BinaryPrimitives.WriteInt32LittleEndian(jump.AsSpan(1), (int)(target - (from + PatchPlan.JumpLength)));
        return jump;
    }

    /// <summary>Writes pieces of code, neighbouring ones at once. Returns 0 or errno.</summary>
    private int WriteCode(List<(ulong Address, byte[] Code)> writes)
    {
        const int Gap = 15; // What rounding leaves; a larger one may hold another trampoline.
        writes.Sort((a, b) => a.Address.CompareTo(b.Address));
        List<byte> run = [];
        ulong start = 0;
        foreach ((ulong address, byte[] code) in writes)
        {
            ulong end = start + (ulong)run.Count;
            if (run.Count > 0 && (address < end || address - end > Gap))
            {
                if (space.Memory.WriteAll(new RemoteAddress(start), [.. run]) is not 0 and var error)
                    return error;
                run.Clear();
            }

            if (run.Count == 0)
                start = address;
            while (start + (ulong)run.Count < address)
                run.Add(0xCC); // Between trampolines nothing ever runs.
            run.AddRange(code);
        }

        return run.Count == 0 ? 0 : space.Memory.WriteAll(new RemoteAddress(start), [.. run]);
    }

    /// <summary>Gives a site up that could not be armed; its points are the trap engine's.</summary>
    private List<ArmedPoint> Abandon(InlineSite site)
    {
        List<ArmedPoint> points = [.. site.Points.Values];
        Forget(site);
        return points;
    }
}
