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
        return [.. _pending.Where(p => !_patcher.IsAsExpected(p.Piece) || (p.Site.Springboard != 0 && !_patcher.IsAsExpected(p.SpringboardPiece))).Select(p => p.Site)];
    }

    /// <summary>Writes the springboards: a short jump must not lead into padding.</summary>
    internal void WriteSpringboards(IReadOnlySet<InlineSite> but)
    {
        foreach (Pending pending in _pending.Where(p => p.Site.Springboard != 0 && !but.Contains(p.Site)))
            _patcher.Replace(pending.SpringboardPiece);
        _patcher.Flush();
    }

    /// <summary>Writes the sites' own jumps. Returns those that could not be written; the others are armed.</summary>
    internal List<InlineSite> WriteJumps(IReadOnlySet<InlineSite> but)
    {
        Pending[] ready = [.. _pending.Where(p => !but.Contains(p.Site) && (p.Site.Springboard == 0 || _patcher.IsWritten(p.SpringboardPiece)))];
        foreach (Pending pending in ready)
            _patcher.Replace(pending.Piece);
        _patcher.Flush();
        HashSet<InlineSite> armed = new(ReferenceEqualityComparer.Instance);
        foreach (Pending pending in ready)
        {
            if (!_patcher.IsWritten(pending.Piece))
            {
                if (pending.Site.Springboard != 0)
                    _patcher.Revert(pending.SpringboardPiece);
                continue;
            }

            InlineSite site = pending.Site;
            (site.Patch, site.SpringboardPatch) = (pending.Patch, pending.SpringboardPatch);
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
        if (site.Springboard == 0)
        {
            byte[] jump = JumpTo(site.Address, entry, site.Original.AsSpan(0, PatchPlan.JumpLength));
            return new Pending(site, _patcher.Add(site.Address, expected, jump), jump, -1, []);
        }

        byte[] spring = JumpTo(site.Springboard, entry, site.SpringboardOriginal);
        byte[] shortJump = [ShortJump, (byte)(site.Springboard - (site.Address + PatchPlan.ShortJumpLength))];
        int piece = _patcher.Add(site.Springboard, isArmed ? site.SpringboardPatch : site.SpringboardOriginal, spring);
        return new Pending(site, _patcher.Add(site.Address, expected, shortJump), shortJump, piece, spring);
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

    private sealed record Pending(InlineSite Site, int Piece, byte[] Patch, int SpringboardPiece, byte[] SpringboardPatch);
}
