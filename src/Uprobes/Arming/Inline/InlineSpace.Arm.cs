using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>Arming: trampolines are written while the target runs; it is stopped for the patches alone.</summary>
internal sealed partial class InlineSpace
{
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
        TextWindow text = new(space.Memory);
        foreach (ArmedPoint point in points)
        {
            if (point.Offset.Value < mapping.FileOffset || point.Offset.Value - mapping.FileOffset >= mapping.Length)
                continue;
            ulong address = mapping.Start + (point.Offset.Value - mapping.FileOffset);
            if (SiteFor(point, address, process, mapping, text, isTrapped) is not { } site)
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
    private InlineSite? SiteFor(ArmedPoint point, ulong address, TracedProcess process, in Mapping mapping, TextWindow text, Func<ulong, int, bool> isTrapped)
    {
        if (!services.MayPatch || mapping.IsShared || point.Sink.Programs is not { Count: > 0 } || point.Sink.Plan is not { } plan || Obstacle(process).Length > 0
            || (Follows(point.Sink.Programs) && (!point.Sink.MayFollowCalls || EnsureCalls(process) is null))
            || (NeedsTicks(point) && !HasTicks(process)) || WhyOtherwiseNumbered(process, point.Sink.Programs) is not null || MayNotFault(process, plan, address))
            return null;
        if (plan.Neighbour is { } neighbour)
            return _sites.TryGetValue(address - (point.Offset.Value - neighbour.Value), out InlineSite? joined) ? joined : null;
        if (_sites.TryGetValue(address, out InlineSite? known))
        {
            if (known.State != SiteState.Armed || IsIntact(known))
                return known;
            // It vanished without us: the text is another by now, or was put back. Of several branches some may lead to the trampoline still.
            if (known.Redirects.Count > 0)
                Expel(process, known);
            else
                Forget(known);
            if (_sites.ContainsKey(address))
                return null; // A thread was in the way.
        }

        if (isTrapped(address, Math.Max(plan.Displaced.Length, plan.Overwritten.Length))
            || plan.Redirected.Any(r => isTrapped(address + (r.Offset.Value - point.Offset.Value), r.Original.Length)))
            return null;
        InlineSite site = MakeSite(plan, address, null);
        if (!text.Read(address, site.Original.Length).SequenceEqual(site.Original) || ((site.Springboard != 0 || site.Redirects.Count > 0) && !MatchesFile(site)))
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
            Redirects = [.. plan.Redirected.Select(r => AsRedirect(address + (r.Offset.Value - plan.Offset.Value), [.. r.Original]))],
            OwnProgram = ownProgram,
        };
    }

    private static Redirect AsRedirect(ulong address, byte[] original) => new(address, original, original);

    private void Keep(InlineSite site)
    {
        _sites.Add(site.Address, site);
        if (site.Springboard != 0)
            _springboards.Add(site.Springboard, site);
        foreach (Redirect redirect in site.Redirects)
            _redirects.Add(redirect.Address, site);
    }

    private string Obstacle(TracedProcess process) => _obstacle ??= ProcessorSupport.Obstacle
        ?? (process.LiveThread() is { } thread && ThreadStatus.TryRead(thread.ThreadId) is { SeccompMode: not 0 } ? "a seccomp filter" : null)
        ?? (ShadowStacks.AreUsed(process) ? "a shadow stack" : null)
        ?? "";

    private bool MatchesFile(InlineSite site)
    {
        Span<byte> now = stackalloc byte[LongestPatch];
        if (!Holds(site.Address, site.Original, now) || (site.Springboard != 0 && !Holds(site.Springboard, site.SpringboardOriginal, now)))
            return false;
        foreach (Redirect redirect in site.Redirects)
        {
            if (!Holds(redirect.Address, redirect.Original, now))
                return false;
        }

        return true;
    }

    /// <summary>Whether a site's trampoline runs what the points want now.</summary>
    private static bool IsUpToDate(InlineSite site) => site.Bindings.SequenceEqual(BindingsOf(site));

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
        refused.AddRange(isWritten ? PatchWhenFree(process, built) : built);
        _leaving.Clear();
        foreach ((InlineSite site, (Trampoline trampoline, IReadOnlyList<ProgramBinding> bindings)) in former)
        {
            if (!refused.Remove(site))
            {
                RenewResumptions(site, trampoline);
                Discard(site, trampoline, bindings);
                continue;
            }

            if (site.Trampoline is { } failed && failed != trampoline)
            {
                Discard(site, failed, site.Bindings);
            }

            (site.Trampoline, site.Bindings) = (trampoline, bindings);
        }

        UnmapUnused(process);
        return refused;
    }

    /// <summary>Stops the threads and writes the patches.</summary>
    private List<InlineSite> Patch(TracedProcess process, List<InlineSite> sites)
    {
        if (sites.Count == 0)
            return [];
        PatchSet patches = new(space.Memory, sites);
        InlineSite[] fresh = [.. sites.Where(s => s.State != SiteState.Armed)];
        Interiors interiors = new(sites, fresh);
        List<Mapping> mappings = process.ReadMappings(out _);
        Dictionary<TracedThread, int> names = ReadNames();
        using SpaceStop stop = new(services.Tracer, space);
        if (stop.IsGone || stop.Unstoppable.Count > 0)
            return sites;
        (space.EngineState as SpaceArming)?.LeaveFormerSlots(stop.Threads);
        List<(TracedThread, UserRegisters)> threads = stop.ReadRegisters();
        if (!NoteNames(threads, names))
        {
            _obstacle = OneThreadPointer;
            return sites;
        }

        FreeKept(stop);
        HashSet<InlineSite> refused = FindSuspended(threads, interiors, mappings);
        _suspended = [.. refused];
        refused.UnionWith(patches.Load()); // Changed between the look and the stop.
        MoveInto(threads, interiors, refused);
        services.Step?.Invoke("threads moved");
        patches.WriteSpringboards(refused);
        services.Step?.Invoke("springboards written");
        refused.UnionWith(patches.WriteJumps(refused));
        services.Step?.Invoke("patches written");
        if (_leaving.Count > 0)
        {
            RollOut(stop);
            ForgetReturnCode(_leaving.Where(l => !refused.Contains(l.Site)).Select(l => l.Trampoline));
        }

        services.NotePause(stop.Elapsed);
        return [.. refused];
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
