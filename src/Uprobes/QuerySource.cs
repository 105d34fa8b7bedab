using Uprobes.Programs.Queries;
using Uprobes.Registry;

namespace Uprobes;

/// <summary>Where a query's hits come from.</summary>
/// <param name="Host">What runs it.</param>
/// <param name="Subject">What is asked about.</param>
/// <param name="Points">What is probed; at least one.</param>
internal sealed record QuerySource(IQueryHost Host, QuerySubject Subject, IReadOnlyList<ProbePoint> Points)
{
    /// <summary>What a pattern has matched and cannot be probed.</summary>
    internal IReadOnlyList<ProbeRefusal> Refused { get; init; } = [];

    /// <summary>The names by the probe's index.</summary>
    internal IReadOnlyList<string> Functions { get; } = [.. Points.Select(p => p.Function ?? p.ToString())];

    /// <summary>Runs a query. One that stands nowhere is an error, not an empty result.</summary>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    internal IQueryRun Run(TranslatedQuery query, IQueryEvents? events)
    {
        IQueryRun run = Host.Run(query.Group, Points, events);
        if (run.StandingPoints > 0)
            return run;
        ProbeRefusal refusal = run.Refusals[0];
        run.Dispose();
        throw new ProbeRefusedException(refusal);
    }
}
