using System.Buffers.Binary;
using Uprobes.Arming.Inline.X64;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>Sites that are patched in one stop: what is written for each is worked out before the stop.</summary>
internal sealed class PatchSet
{
    private const byte Jump = 0xE9, ShortJump = 0xEB;
    private readonly TextPatcher _patcher;
    private readonly List<Pending> _pending = [];

    /// <summary>Prepares jumps to the sites' trampolines.</summary>
    internal PatchSet(TraceeMemory memory, IEnumerable<InlineSite> sites)
    {
        _patcher = new TextPatcher(memory);
        foreach (InlineSite site in sites)
            _pending.Add(Prepare(site));
        _patcher.Prepare();
    }

    /// <summary>Reads the text, all threads being stopped. Returns the sites whose text is not what it was.</summary>
    internal List<InlineSite> Load()
    {
        _patcher.Load();
        return [.. _pending.Where(p => !p.IsReached || !p.Pieces.All(_patcher.IsAsExpected)
            || (p.Site.Springboard != 0 && !_patcher.IsAsExpected(p.SpringboardPiece))).Select(p => p.Site)];
    }

    /// <summary>Writes the springboards: a short jump must not lead into padding.</summary>
    internal void WriteSpringboards(IReadOnlySet<InlineSite> but)
    {
        foreach (Pending pending in _pending.Where(p => p.Site.Springboard != 0 && !but.Contains(p.Site)))
            _patcher.Replace(pending.SpringboardPiece);
        _patcher.Flush();
    }

    /// <summary>
    /// Writes the sites' own jumps, or the branches that lead to them: each of these by itself is right, whatever the others are. Returns those
    /// that could not be written; the others are armed.
    /// </summary>
    internal List<InlineSite> WriteJumps(IReadOnlySet<InlineSite> but)
    {
        Pending[] ready = [.. _pending.Where(p => !but.Contains(p.Site) && (p.Site.Springboard == 0 || _patcher.IsWritten(p.SpringboardPiece)))];
        foreach (int piece in ready.SelectMany(p => p.Pieces))
            _patcher.Replace(piece);
        _patcher.Flush();
        HashSet<InlineSite> armed = new(ReferenceEqualityComparer.Instance);
        foreach (Pending pending in ready)
        {
            if (!pending.Pieces.All(_patcher.IsWritten))
            {
                if (pending.Site.Springboard != 0)
                    _patcher.Revert(pending.SpringboardPiece);
                foreach (int piece in pending.Pieces)
                    _patcher.Revert(piece); // What was not written too: another write of its page must not bring it.
                continue;
            }

            InlineSite site = pending.Site;
            (site.Patch, site.SpringboardPatch, site.Redirects) = (pending.Patch, pending.SpringboardPatch, pending.Redirects);
            (site.State, site.Standing) = (Trap.SiteState.Armed, (site.Trampoline!, site.Bindings));
            armed.Add(site);
        }

        _patcher.Flush();
        return [.. _pending.Select(p => p.Site).Where(s => !armed.Contains(s) && !but.Contains(s))];
    }

    private Pending Prepare(InlineSite site)
    {
        bool isArmed = site.State == Trap.SiteState.Armed;
        byte[] expected = isArmed ? site.Patch : site.Original;
        ulong entry = site.Trampoline!.Entry;
        if (site.Redirects.Count > 0)
        {
            Redirect[] redirects = [.. site.Redirects.Select(r => r with { Patch = LeadTo(r, entry) })];
            int[] branches = [.. redirects.Zip(site.Redirects, (now, former) => _patcher.Add(now.Address, isArmed ? former.Patch : former.Original, now.Patch))];
            return new Pending(site, branches, [], -1, []) { Redirects = redirects, IsReached = redirects.All(r => r.LeadsTo == entry) };
        }

        if (site.Springboard == 0)
        {
            byte[] jump = JumpTo(site.Address, entry, site.Original.AsSpan(0, PatchPlan.JumpLength));
            return new Pending(site, [_patcher.Add(site.Address, expected, jump)], jump, -1, []);
        }

        byte[] spring = JumpTo(site.Springboard, entry, site.SpringboardOriginal);
        byte[] shortJump = [ShortJump, (byte)(site.Springboard - (site.Address + PatchPlan.ShortJumpLength))];
        int piece = _patcher.Add(site.Springboard, isArmed ? site.SpringboardPatch : site.SpringboardOriginal, spring);
        return new Pending(site, [_patcher.Add(site.Address, expected, shortJump)], shortJump, piece, spring);
    }

    /// <summary>
    /// The same instruction to another target:
    /// <code>
    /// e8 rel32            call target
    /// e9 rel32            jmp  target
    /// 0f 8x rel32         jcc  target
    /// </code>
    /// </summary>
    private static byte[] LeadTo(Redirect branch, ulong target)
    {
        byte[] bytes = [.. branch.Original];
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(^sizeof(int)), (int)(target - branch.End));
        return bytes;
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

    private sealed record Pending(InlineSite Site, int[] Pieces, byte[] Patch, int SpringboardPiece, byte[] SpringboardPatch)
    {
        internal IReadOnlyList<Redirect> Redirects { get; init; } = [];

        /// <summary>Whether the trampoline is within reach of all branches.</summary>
        internal bool IsReached { get; init; } = true;
    }
}
