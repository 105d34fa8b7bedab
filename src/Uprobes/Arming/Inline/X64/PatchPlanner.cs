using System.Collections.Immutable;
using Uprobes.Arming.X64;
using Uprobes.Images;

namespace Uprobes.Arming.Inline.X64;

/// <summary>
/// Decides for the sites of one image how each is patched. It is the one owner of the patched bytes of its image: plans never overlap, and two
/// sites never share a springboard. Nothing outside the file is looked at. Not thread-safe; whoever arms the image owns it.
/// </summary>
/// <param name="analysis">Of the image; may be shared.</param>
internal sealed class PatchPlanner(ImageAnalysis analysis)
{
    private const ulong PageBytes = 4096;
    private readonly Dictionary<ulong, PatchPlan> _plans = [];
    private readonly TakenRanges _taken = new();
    private readonly PaddingFinder _padding = new(analysis);
    private readonly Entrances _entrances = new(analysis);

    /// <summary>
    /// Plans sites, in the order of their offsets, and keeps the plans as taken until <see cref="Release"/>. A site that has a plan already gets the
    /// same again.
    /// </summary>
    /// <param name="sites">In any order; one may occur several times.</param>
    /// <returns>A decision for each, in the order of <paramref name="sites"/>.</returns>
    /// <exception cref="ImageException">The file cannot be read.</exception>
    public ImmutableArray<PatchDecision> Plan(IReadOnlyList<PatchSite> sites)
    {
        var decisions = new PatchDecision[sites.Count];
        int[] order = new int[sites.Count];
        ulong[] offsets = new ulong[sites.Count];
        for (int i = 0; i < order.Length; i++)
            (order[i], offsets[i]) = (i, sites[i].Offset.Value);
        Array.Sort(offsets, order);
        if (sites.Count > 1)
            analysis.Prepare(Neighbourhoods(offsets));
        foreach (int index in order)
            decisions[index] = PlanOne(sites[index]);
        RedirectRefused(decisions, order);
        return ImmutableArray.Create(decisions);
    }

    /// <summary>Plans one site.</summary>
    /// <inheritdoc cref="Plan(IReadOnlyList{PatchSite})"/>
    public PatchDecision Plan(PatchSite site)
    {
        PatchDecision decision = PlanOne(site);
        return decision.IsInline ? decision : Redirect(decision);
    }

    /// <summary>Gives back the bytes of a plan whose patch is no longer in any process; one that is not known is passed over.</summary>
    public void Release(PatchPlan plan)
    {
        if (!_plans.TryGetValue(plan.Offset.Value, out PatchPlan? known) || !ReferenceEquals(known, plan))
            return;
        _plans.Remove(plan.Offset.Value);
        _taken.Remove(plan);
    }

    /// <summary>After all jumps, which take less of the text and are preferred; what leads to the sites is looked for at once.</summary>
    private void RedirectRefused(PatchDecision[] decisions, int[] order)
    {
        int[] refused = [.. order.Where(index => !decisions[index].IsInline && decisions[index].Site.IsFunctionEntry)];
        analysis.Prepare(refused.Select(index => analysis.Image.TryGetAddress(decisions[index].Site.Offset, out LinkAddress address) ? address.Value : 0));
        foreach (int index in refused)
            decisions[index] = Redirect(decisions[index]);
    }

    /// <summary>Has what leads to a refused site lead elsewhere, where that can be; the refusal stands where not.</summary>
    private PatchDecision Redirect(PatchDecision refused)
    {
        PatchSite site = refused.Site;
        if (_plans.TryGetValue(site.Offset.Value, out PatchPlan? plan))
            return new(site, plan);
        if (!site.IsFunctionEntry || !TryFindPlace(site, out Place place))
            return refused;
        DisplacedRange range = DisplacedRange.Read(place.Piece, place.Index, 1);
        ulong start = place.Address, end = start + (ulong)range.Length;
        if ((range.Refusal ?? UnsafePlaces.Judge(analysis, place.Piece, place.Index, range)) is not null
            || (analysis.MindsFaults && FaultRules.CanFault(range.Instructions[0].Decoded)) || _taken.Find(start, end, out _) is not null
            || _entrances.Find(start) is not { } branches)
            return refused;
        foreach (DirectBranch branch in branches)
        {
            ulong behind = branch.Source + (ulong)branch.Length;
            if (_taken.Find(branch.Source, behind, out _) is not null || (branch.Source < end && behind > start))
                return refused;
        }

        plan = new PatchPlan
        {
            Offset = site.Offset,
            Address = new LinkAddress(start),
            Tactic = PatchTactic.Redirect,
            Displaced = ImmutableArray.Create(place.Piece.Bytes, place.Index, range.Length),
            Boundaries = [0],
            Overwritten = [],
            Redirected = [.. branches.Select(AsRedirected)],
        };
        return Keep(site, plan);
    }

    private RedirectedBranch AsRedirected(DirectBranch branch)
    {
        _ = analysis.Bytes.TryFindCode(branch.Source, out LoadedPiece piece, out int index);
        return new(new FileOffset(piece.Offset + (ulong)index), new LinkAddress(branch.Source), ImmutableArray.Create(piece.Bytes, index, branch.Length));
    }

    /// <summary>The addresses behind the first byte that the 5-byte patches of sites would overwrite.</summary>
    private IEnumerable<ulong> Neighbourhoods(ulong[] offsets)
    {
        foreach (ulong offset in offsets)
        {
            if (!analysis.Image.TryGetAddress(new FileOffset(offset), out LinkAddress address))
                continue;
            for (ulong at = 1; at < PatchPlan.JumpLength; at++)
                yield return address.Value + at;
        }
    }

    private PatchDecision PlanOne(PatchSite site)
    {
        if (_plans.TryGetValue(site.Offset.Value, out PatchPlan? plan))
            return new(site, plan);
        if (!TryFindPlace(site, out Place place))
            return new(site, new PatchRefusal(PatchRefusalReason.NotCode, $"offset {site.Offset} is no code of the file"));
        PatchRefusal? refusal = Decide(place, out plan);
        return plan is null ? new(site, refusal!) : Keep(site, plan);
    }

    private PatchDecision Keep(PatchSite site, PatchPlan plan)
    {
        _plans.Add(site.Offset.Value, plan);
        _taken.Add(plan);
        return new(site, plan);
    }

    private bool TryFindPlace(PatchSite site, out Place place)
    {
        place = default;
        if (!analysis.Image.IsExecutable(site.Offset) || !analysis.Image.TryGetAddress(site.Offset, out LinkAddress address)
            || !analysis.Bytes.TryFindCode(address.Value, out LoadedPiece piece, out int index))
            return false;
        place = new Place(site, piece, index);
        return true;
    }

    /// <summary>A site with its code.</summary>
    private readonly record struct Place(PatchSite Site, LoadedPiece Piece, int Index)
    {
        public ulong Address => Piece.Address + (ulong)Index;
    }

    private PatchRefusal? Decide(Place place, out PatchPlan? plan)
    {
        if (_taken.Find(place.Address, place.Address + 1, out _) is { } neighbour)
            return Join(place, neighbour, out plan);
        PatchRefusal? refusal = TryJump(place, PatchPlan.JumpLength, out plan);
        if (refusal is null)
            return null;
        PatchRefusal? shortRefusal = TryJump(place, PatchPlan.ShortJumpLength, out plan);
        if (shortRefusal is null)
            return null;
        // What speaks against both is said once.
        return shortRefusal.Reason == refusal.Reason ? refusal : refusal with { Message = $"{refusal.Message}; for a short jump, {shortRefusal.Message}" };
    }

    private PatchRefusal? TryJump(Place place, int jumpLength, out PatchPlan? plan)
    {
        plan = null;
        DisplacedRange range = DisplacedRange.Read(place.Piece, place.Index, jumpLength);
        PatchRefusal? refusal = UnsafePlaces.Judge(analysis, place.Piece, place.Index, range) ?? range.Refusal ?? JudgeRange(place, range, jumpLength);
        if (refusal is not null)
            return refusal;
        ulong springboard = 0;
        if (jumpLength == PatchPlan.ShortJumpLength && !TryFindSpringboard(place, out springboard))
            return new(PatchRefusalReason.NoPadding, "no unused padding for a longer one is within reach");
        plan = NewPlan(place, range, jumpLength, springboard);
        return null;
    }

    private PatchRefusal? JudgeRange(Place place, DisplacedRange range, int jumpLength)
    {
        if (analysis.MindsFaults && range.Instructions.Any(instruction => FaultRules.CanFault(instruction.Decoded)))
            return new(PatchRefusalReason.CanFault, "the image's runtime turns faults into exceptions by their address, and a displaced instruction can fault");
        bool several = range.Instructions.Count > 1;
        bool isInside = place.Site is { IsFunctionEntry: false, IsMark: false };
        if (several && (isInside || analysis.MindsFaults))
            return new(PatchRefusalReason.InsideFunction, !isInside
                ? "more than one instruction would have to be displaced, and the image's runtime moves stopped threads"
                : "more than one instruction would have to be displaced inside a function");
        if (PageBytes - (place.Address % PageBytes) < (ulong)jumpLength)
            return new(PatchRefusalReason.PageCrossing, "the jump would lie in two pages");
        ulong written = place.Address + (ulong)jumpLength;
        if (range.Length < jumpLength && _padding.EndOfPadding(place.Piece, place.Index + range.Length) < written)
            return new(PatchRefusalReason.EndsEarly, $"control ends after {range.Length} bytes, and no unused padding follows");
        if (_taken.Find(place.Address, Math.Max(written, place.Address + (ulong)range.Length), out _) is { } taken)
            return new(PatchRefusalReason.OverlapsPlan, $"the jump would overlap the patch of 0x{taken.Address.Value:x}");
        if (analysis.FindLanding(place.Address + 1, jumpLength - 1) is { } landing)
            return new(PatchRefusalReason.LandingInside, $"{landing.Describe()}, which the jump would overwrite");
        if (several && analysis.MayJumpAnywhere(place.Address))
            return new(PatchRefusalReason.UnknownJump, "the function has a computed jump whose targets are not known");
        return null;
    }

    private static PatchRefusal? Join(Place place, PatchPlan neighbour, out PatchPlan? plan)
    {
        plan = null;
        int distance = (int)(place.Address - neighbour.Address.Value);
        int number = neighbour.Boundaries.IndexOf(distance);
        if (place.Address < neighbour.Address.Value || number < 0)
            return new(PatchRefusalReason.InsideDisplaced, $"the bytes belong to the patch of 0x{neighbour.Address.Value:x}, and no instruction that it displaces starts there");
        int end = number + 1 < neighbour.Boundaries.Length ? neighbour.Boundaries[number + 1] : neighbour.Displaced.Length;
        plan = new PatchPlan
        {
            Offset = place.Site.Offset,
            Address = new LinkAddress(place.Address),
            Tactic = PatchTactic.JoinsNeighbour,
            Displaced = neighbour.Displaced[distance..end],
            Boundaries = [0],
            Overwritten = [],
            Neighbour = neighbour.Offset,
        };
        return null;
    }

    private static PatchPlan NewPlan(Place place, DisplacedRange range, int jumpLength, ulong springboard)
    {
        LoadedPiece piece = place.Piece;
        bool isShort = jumpLength == PatchPlan.ShortJumpLength;
        int at = isShort ? (int)(springboard - piece.Address) : 0;
        return new PatchPlan
        {
            Offset = place.Site.Offset,
            Address = new LinkAddress(place.Address),
            Tactic = isShort ? PatchTactic.Springboard
                : range.Length < jumpLength ? PatchTactic.Padding
                : range.Instructions.Count > 1 ? PatchTactic.WholeInstructions : PatchTactic.SingleInstruction,
            Displaced = ImmutableArray.Create(piece.Bytes, place.Index, range.Length),
            Boundaries = [.. range.Boundaries],
            Overwritten = ImmutableArray.Create(piece.Bytes, place.Index, jumpLength),
            Springboard = isShort ? new FileOffset(piece.Offset + (ulong)at) : null,
            SpringboardAddress = isShort ? new LinkAddress(springboard) : null,
            SpringboardOverwritten = isShort ? ImmutableArray.Create(piece.Bytes, at, PatchPlan.JumpLength) : [],
        };
    }

    /// <summary>The lowest free place within reach: sites are planned in ascending order, and the lowest is the first that later ones cannot reach.</summary>
    private bool TryFindSpringboard(Place place, out ulong springboard)
    {
        int next = place.Index + PatchPlan.ShortJumpLength;
        int from = Math.Max(0, next + sbyte.MinValue), last = Math.Min(place.Piece.Bytes.Length - PatchPlan.JumpLength, next + sbyte.MaxValue);
        foreach (PaddingRun run in _padding.Within(place.Piece, from, last + PatchPlan.JumpLength))
        {
            ulong limit = Math.Min(run.End - PatchPlan.JumpLength, place.Piece.Address + (ulong)last);
            for (ulong at = Math.Max(run.Start, place.Piece.Address + (ulong)from); at <= limit;)
            {
                ulong end = at + PatchPlan.JumpLength;
                bool overlapsSite = at < place.Address + PatchPlan.ShortJumpLength && end > place.Address;
                if (_taken.Find(at, end, out ulong behind) is not null)
                {
                    at = behind;
                }
                else if (PageBytes - (at % PageBytes) < PatchPlan.JumpLength || overlapsSite)
                {
                    at++;
                }
                else
                {
                    springboard = at;
                    return true;
                }
            }
        }

        springboard = 0;
        return false;
    }
}
