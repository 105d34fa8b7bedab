using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Channels;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>Forked copies: text and trampolines are copied by the kernel, the channels are shared until the child gets its own.</summary>
internal sealed partial class InlineSpace
{
    /// <summary>What is in this address space now, at a fork: the same is in the child's copy of it.</summary>
    internal ForkedInline Snapshot() => new([.. _sites.Values], [.. _chunks], [.. _programs.Values], _thunks, _mayNotFollow);

    /// <summary>Describes the copy in a forked child, whose flags are all zero: no program runs in it until <see cref="Adopt"/>.</summary>
    internal void TakeCopy(ForkedInline parent)
    {
        // The table is private memory: the child has its parent's pending calls, as it has its frames.
        (_thunks, _mayNotFollow) = (parent.Thunks, parent.MayNotFollow);
        foreach (TrampolineChunk chunk in parent.Chunks)
            _chunks.Add(chunk.CopyForChild());
        foreach (ProgramSpace program in parent.Programs)
            _programs.Add(program.Run, program with { Users = 0 });
        Span<byte> now = stackalloc byte[LongestPatch];
        foreach (InlineSite site in parent.Sites)
        {
            // What is really in the text counts: patches may have come and gone between the fork in the kernel and the report of it.
            if (site.Trampoline is null || site.Patch.Length == 0 || !Holds(site.Address, site.Patch, now))
                continue;
            InlineSite copy = site.Copy();
            copy.State = SiteState.Armed;
            _sites.Add(copy.Address, copy);
            if (copy.Springboard != 0)
                _springboards.Add(copy.Springboard, copy);
            foreach (ProgramBinding binding in copy.Bindings)
            {
                if (_programs.TryGetValue(binding.Run, out ProgramSpace? program))
                    program.Users++;
            }
        }
    }

    /// <summary>Gives a forked child channels of its own in place of its parent's, then has its programs run.</summary>
    internal void Adopt(TracedProcess child)
    {
        if (_chunks.Count == 0)
            return;
        WriteProcessState(child, _chunks[0]);
        foreach (ProgramSpace program in _programs.Values.ToArray())
        {
            if (CreateChannel(child, _chunks[0], program.Run, program.Environment.Channel) is ({ } address, { } memory) && address == program.Environment.Channel)
            {
                _programs[program.Run] = program with { Memory = memory };
                continue;
            }

            // Its counts would be its parent's: its probes are taken out, and armed by other means.
            Remove(child, [.. _sites.Values.Where(s => s.Bindings.Any(b => b.Run == program.Run))]);
        }

        FollowSwitches();
    }
}

/// <summary>What was armed inline in an address space at the moment when a fork copied it.</summary>
internal sealed record ForkedInline(InlineSite[] Sites, TrampolineChunk[] Chunks, ProgramSpace[] Programs, CallThunks? Thunks, bool MayNotFollow);
