using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Channels;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>Forked copies: text and trampolines are copied by the kernel, the channels are shared until the child gets its own.</summary>
internal sealed partial class InlineSpace
{
    /// <summary>What is in this address space now, at a fork: the same is in the child's copy of it.</summary>
    /// <remarks>It is kept until the child reports, and what is taken out of this address space meanwhile is not taken out of the copy.</remarks>
    internal ForkedInline Snapshot() =>
        new([.. _sites.Values.Select(s => new ForkedSite(s))], [.. _chunks.Select(c => c.CopyForChild())], [.. _programs.Values], _thunks, _mayNotFollow, _hasTicks, _catchesFaults);

    /// <summary>Describes the copy in a forked child, whose flags are all zero: no program runs in it until <see cref="Adopt"/>.</summary>
    internal void TakeCopy(ForkedInline parent)
    {
        // The table is private memory: the child has its parent's pending calls, as it has its frames.
        (_hasTicks, _catchesFaults) = (parent.HasTicks, parent.CatchesFaults);
        _thunks = parent.Thunks is { } thunks && HasThunks(thunks) ? thunks : null;
        _mayNotFollow = parent.MayNotFollow || (parent.Thunks is not null && _thunks is null);
        // The kernel may have made the copy before what is there by now was mapped.
        foreach (TrampolineChunk chunk in parent.Chunks.Where(c => IsMapped(c.Start)))
            _chunks.Add(chunk.CopyForChild());
        foreach (ProgramSpace program in parent.Programs.Where(p => _chunks.Exists(c => c.Start == p.Environment.ProcessState)))
            _programs.Add(program.Run, program with { Users = 0 });
        Span<byte> now = stackalloc byte[LongestPatch];
        foreach (ForkedSite site in parent.Sites)
        {
            // What is really in the text counts: patches may have come and gone between the fork in the kernel and the report of it.
            if (site.Trampoline is null || !IsIn(site, now))
                continue;
            InlineSite copy = site.Copy();
            copy.State = SiteState.Armed;
            Keep(copy);
            foreach (ProgramBinding binding in copy.Bindings)
            {
                if (_programs.TryGetValue(binding.Run, out ProgramSpace? program))
                    program.Users++;
            }
        }
    }

    /// <summary>Whether the text has a site's patch; of several branches one is enough, for it has to be put back.</summary>
    private bool IsIn(in ForkedSite site, Span<byte> buffer)
    {
        foreach (Redirect redirect in site.Redirects)
        {
            if (Holds(redirect.Address, redirect.Patch, buffer))
                return true;
        }

        return site.Patch.Length > 0 && Holds(site.Site.Address, site.Patch, buffer);
    }

    /// <summary>Whether the code of the thunks is in the copy; what was written behind the fork's back is written again.</summary>
    private bool HasThunks(CallThunks thunks)
    {
        byte[] code = thunks.Code, now = new byte[code.Length];
        return (space.Memory.Read(new RemoteAddress(thunks.Start), now) == now.Length && now.AsSpan().SequenceEqual(code))
            || space.Memory.WriteAll(new RemoteAddress(thunks.Start), code) == 0;
    }

    private bool IsMapped(ulong address) => space.Memory.TryReadWord(new RemoteAddress(address), out _);

    /// <summary>
    /// Gives a forked child channels of its own in place of its parent's, then has its programs run. What was taken out of the parent since the
    /// fork is taken out here.
    /// </summary>
    /// <returns>Whether probes were taken out that are to be armed by other means.</returns>
    internal bool Adopt(TracedProcess child)
    {
        if (_chunks.Count == 0)
            return false;
        RemoveUnwanted(child);
        bool isLess = RemoveOtherwiseNumbered(child);
        UnmapUnused(child);
        WriteProcessState(child, _chunks[0]);
        foreach (ProgramSpace program in _programs.Values.ToArray())
        {
            if (CreateChannel(child, _chunks[0], program.Run, program.Environment.Channel) is ({ } address, { } memory) && address == program.Environment.Channel)
            {
                _programs[program.Run] = program with { Memory = memory };
                continue;
            }

            // Its counts would be its parent's.
            isLess = true;
            Remove(child, [.. _sites.Values.Where(s => s.Bindings.Any(b => b.Run == program.Run))]);
        }

        FollowSwitches();
        return isLess;
    }
}

/// <summary>What was armed inline in an address space at the moment when a fork copied it.</summary>
internal sealed record ForkedInline(ForkedSite[] Sites, TrampolineChunk[] Chunks, ProgramSpace[] Programs, CallThunks? Thunks, bool MayNotFollow, bool? HasTicks, bool? CatchesFaults);


/// <summary>A site as it was at that moment. Its points are those that the site has later: what lost them all is to go.</summary>
internal readonly struct ForkedSite(InlineSite site)
{
    internal InlineSite Site { get; } = site;

    /// <summary>The trampoline that the text leads to; a new one may be in the making.</summary>
    internal Trampoline? Trampoline { get; } = site.Standing?.Trampoline;

    internal byte[] Patch { get; } = site.Patch;

    internal IReadOnlyList<Redirect> Redirects { get; } = site.Redirects;

    private readonly byte[] _springboardPatch = site.SpringboardPatch;
    private readonly IReadOnlyList<ProgramBinding> _bindings = site.Standing?.Bindings ?? [];

    /// <summary>The same site in the child.</summary>
    internal InlineSite Copy()
    {
        InlineSite copy = Site.Copy();
        (copy.Trampoline, copy.Patch, copy.SpringboardPatch, copy.Redirects, copy.Bindings) = (Trampoline, Patch, _springboardPatch, Redirects, _bindings);
        copy.Standing = (Trampoline!, _bindings);
        return copy;
    }
}
