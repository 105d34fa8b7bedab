using System.Diagnostics.CodeAnalysis;

namespace Uprobes.Arming.Inline.X64;

/// <summary>A plan, or the reason why there is none.</summary>
internal sealed class PatchDecision
{
    /// <summary>There is a plan.</summary>
    public PatchDecision(PatchSite site, PatchPlan plan) => (Site, Plan) = (site, plan);

    /// <summary>There is none.</summary>
    public PatchDecision(PatchSite site, PatchRefusal refusal) => (Site, Refusal) = (site, refusal);

    /// <summary>For which site.</summary>
    public PatchSite Site { get; }

    /// <summary>Whether the inline engine can take the site.</summary>
    [MemberNotNullWhen(true, nameof(Plan))]
    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool IsInline => Plan is not null;

    /// <summary>The plan, or null.</summary>
    public PatchPlan? Plan { get; }

    /// <summary>Why there is none, or null.</summary>
    public PatchRefusal? Refusal { get; }
}
