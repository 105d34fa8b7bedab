using System.Globalization;

namespace Uprobes.Arming.Inline.X64;

/// <summary>How many sites get which tactic, and why the others get none.</summary>
internal sealed class PlanSummary
{
    private readonly int[] _tactics = new int[Enum.GetValues<PatchTactic>().Length];
    private readonly int[] _refusals = new int[Enum.GetValues<PatchRefusalReason>().Length];

    /// <summary>How many sites were counted.</summary>
    public int Sites { get; private set; }

    /// <summary>How many of them the inline engine can take.</summary>
    public int Inline => Sites - Refused;

    /// <summary>How many it cannot take.</summary>
    public int Refused { get; private set; }

    /// <summary>The share of <see cref="Inline"/> in percent; 100 where there are no sites.</summary>
    public double Percent => Sites == 0 ? 100 : 100.0 * Inline / Sites;

    /// <summary>How many sites get a tactic.</summary>
    public int Count(PatchTactic tactic) => _tactics[(int)tactic];

    /// <summary>How many sites are refused for a reason.</summary>
    public int Count(PatchRefusalReason reason) => _refusals[(int)reason];

    /// <summary>The reasons that occur, the most frequent first.</summary>
    public IEnumerable<PatchRefusalReason> Reasons =>
        Enum.GetValues<PatchRefusalReason>().Where(reason => Count(reason) > 0).OrderByDescending(Count);

    /// <summary>Counts a decision.</summary>
    public void Add(PatchDecision decision)
    {
        Sites++;
        if (decision.IsInline)
        {
            _tactics[(int)decision.Plan.Tactic]++;
        }
        else
        {
            _refusals[(int)decision.Refusal.Reason]++;
            Refused++;
        }
    }

    /// <summary>The percentage with one decimal, rounded down: 100.0 means all.</summary>
    public string PercentText() => (Math.Floor(Percent * 10) / 10).ToString("0.0", CultureInfo.InvariantCulture);
}
