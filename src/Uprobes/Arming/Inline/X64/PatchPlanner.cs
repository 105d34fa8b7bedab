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
    private readonly SortedDictionary<ulong, PatchPlan> _plans = [];

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
        foreach (int index in Enumerable.Range(0, sites.Count).OrderBy(index => sites[index].Offset.Value))
        {
            PatchSite site = sites[index];
            decisions[index] = _plans.TryGetValue(site.Offset.Value, out PatchPlan? known) ? new(site, known) : Decide(site);
            if (decisions[index].Plan is { } plan)
                _plans[site.Offset.Value] = plan;
        }

        return [.. decisions];
    }

    /// <summary>Plans one site.</summary>
    /// <inheritdoc cref="Plan(IReadOnlyList{PatchSite})"/>
    public PatchDecision Plan(PatchSite site) => Plan([site])[0];

    /// <summary>Gives back the bytes of a plan whose patch is no longer in any process; one that is not known is passed over.</summary>
    public void Release(PatchPlan plan)
    {
        if (_plans.TryGetValue(plan.Offset.Value, out PatchPlan? known) && ReferenceEquals(known, plan))
            _plans.Remove(plan.Offset.Value);
    }

    private PatchDecision Decide(PatchSite site)
    {
        Span<byte> window = stackalloc byte[DisplacedInstruction.MaximumLength];
        window = window[..analysis.Image.Read(site.Offset, window)];
        if (!analysis.Image.IsExecutable(site.Offset) || !analysis.Image.TryGetAddress(site.Offset, out LinkAddress address))
            return new(site, new PatchRefusal(PatchRefusalReason.NotCode, $"offset {site.Offset} is no code of the file"));
        if (!InstructionRelocator.TryInspect(window, address.Value, out InspectedInstruction instruction, out RelocationRefusal? refusal))
            return new(site, new PatchRefusal(PatchRefusalReason.Instruction, refusal.Message));
        if (instruction.Length < PatchPlan.JumpLength)
            return new(site, new PatchRefusal(PatchRefusalReason.InsideFunction, "more than one instruction would have to be displaced"));
        return new(site, new PatchPlan
        {
            Offset = site.Offset,
            Address = address,
            Tactic = PatchTactic.SingleInstruction,
            Displaced = [.. window[..instruction.Length]],
            Boundaries = [0],
            Overwritten = [.. window[..PatchPlan.JumpLength]],
        });
    }
}
