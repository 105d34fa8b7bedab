using Uprobes.Arming;
using Uprobes.Channels;
using Uprobes.Registry;

namespace Uprobes.Tool.Probing;

/// <summary>Programs that a session of the library runs.</summary>
internal sealed class LivePrograms : IArmedPrograms
{
    private readonly IQueryRun _run;

    /// <summary>Takes a run over, whose points are those of the probes.</summary>
    public LivePrograms(IQueryRun run, IReadOnlyList<PlannedProbe> probes, IReadOnlyList<ProbePoint> points)
    {
        _run = run;
        var byText = new Dictionary<string, PlannedProbe>(StringComparer.Ordinal);
        for (var i = 0; i < points.Count; i++)
            byText[points[i].ToString()] = probes[i];
        Armed = [.. probes.Index().Where(p => run.ArmedWith(p.Index) is not null).Select(p => new ArmedProbe(p.Index, p.Item))];
        Refused = [.. run.Refusals.Select(r => Refusal(r, byText))];
    }

    /// <inheritdoc/>
    public IReadOnlyList<ArmedProbe> Armed { get; }

    /// <inheritdoc/>
    public IReadOnlyList<RefusedProbe> Refused { get; }

    /// <inheritdoc/>
    public QueryLosses Losses => _run.Losses;

    /// <inheritdoc/>
    public string EngineOf(ArmedProbe probe) => _run.ArmedWith(probe.Index) switch
    {
        SiteKinds.Jump => "inline",
        SiteKinds.Breakpoint => "trap",
        SiteKinds.Jump | SiteKinds.Breakpoint => "inline+trap",
        _ => "none",
    };

    /// <inheritdoc/>
    public MapSnapshot Snapshot(int map) => _run.Snapshot(map);

    /// <inheritdoc/>
    public void Stop() => _run.Stop();

    /// <inheritdoc/>
    public void Dispose() => _run.Dispose();

    private static RefusedProbe Refusal(ProbeRefusal refusal, Dictionary<string, PlannedProbe> byText)
    {
        var probe = byText.GetValueOrDefault(refusal.Point) ?? new PlannedProbe("", "", refusal.Point, 0, IsNamed: true);
        return new RefusedProbe(probe, ReasonText.Of(refusal.Reason), refusal.Detail, ReasonText.Hint(refusal.Reason));
    }
}
