using Uprobes.Images;
using Uprobes.Registry;
using Uprobes.Tool.Events;

namespace Uprobes.Tool.Probing;

/// <summary>The seam's real side: a session of the library.</summary>
internal sealed class LiveSession(UprobeSession session, ProbeEngine engine) : IProbeSession
{
    /// <inheritdoc/>
    public IReadOnlyList<int> ProcessIds => session.ProcessIds;

    /// <inheritdoc/>
    public Task Completion => session.Completion;

    /// <inheritdoc/>
    public int? CommandExitCode => session.LaunchedExitCode;

    /// <inheritdoc/>
    public event Action<SessionNotice>? Notice
    {
        add => session.Notice += value;
        remove => session.Notice -= value;
    }

    /// <inheritdoc/>
    public IReadOnlyList<IFunctionSource> OpenImages(string name)
    {
        try
        {
            return [.. session.OpenImages(name).Select(image => new ElfFunctionSource(image))];
        }
        catch (ProbeRefusedException e)
        {
            throw ImageErrors.Explain(name, e.Refusal, session.ProcessIds);
        }
    }

    /// <inheritdoc/>
    public ArmedProbes Trace(IReadOnlyList<PlannedProbe> probes, CallRecorder recorder, bool withReturns)
    {
        var requests = new List<ProbeRequest>(probes.Count);
        for (var i = 0; i < probes.Count; i++)
            requests.Add(withReturns ? ReturnRequest(probes[i], i, recorder) : EntryRequest(probes[i], i, recorder));
        return Register(probes, requests);
    }

    /// <inheritdoc/>
    public ArmedProbes Count(IReadOnlyList<PlannedProbe> probes)
    {
        // The registration counts its hits by itself.
        var handlers = new ProbeHandlers { Pre = static _ => { } };
        return Register(probes, [.. probes.Select(p => new ProbeRequest(PointOf(p), handlers))]);
    }

    /// <inheritdoc/>
    public void Start() => session.Start();

    /// <inheritdoc/>
    public void Remove(ArmedProbes probes) =>
        session.UnregisterAll([.. probes.Armed.Select(p => p.Armed).OfType<ArmedRegistration>().Select(a => a.Registration)]);

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();

    private static ProbeRequest EntryRequest(PlannedProbe probe, int index, CallRecorder recorder) =>
        new(PointOf(probe), new ProbeHandlers { Pre = hit => recorder.Record(index, new LiveHit(hit)) });

    private static ProbeRequest ReturnRequest(PlannedProbe probe, int index, CallRecorder recorder) =>
        new(PointOf(probe), Returns: new ReturnHandlers
        {
            Entry = hit => recorder.Begin(new LiveHit(hit)) ?? ReturnHandlers.SkipReturn,
            Return = hit => recorder.End(index, new LiveReturn(hit), hit.State),
        });

    private static ProbePoint PointOf(PlannedProbe probe) => probe.Source is ElfFunctionSource source
        ? ProbePoint.At(source.Image, new FileOffset(probe.Offset), probe.Function)
        : ProbePoint.At(probe.Image, new FileOffset(probe.Offset), probe.Function);

    private ArmedProbes Register(IReadOnlyList<PlannedProbe> probes, List<ProbeRequest> requests)
    {
        var result = session.RegisterAll(requests);
        var planned = new Dictionary<ProbePoint, PlannedProbe>();
        var byText = new Dictionary<string, PlannedProbe>(StringComparer.Ordinal);
        for (var i = 0; i < requests.Count; i++)
        {
            planned[requests[i].Point] = probes[i];
            byText[requests[i].Point.ToString()] = probes[i];
        }
        var armed = result.Registrations.Select(r => (planned[r.Point], (IArmedProbe)new ArmedRegistration(r, EngineName))).ToList();
        return new ArmedProbes(armed, [.. result.Refusals.Select(r => Refused(r, byText))]);
    }

    // Until there are other engines, what auto chooses is the breakpoint.
    private string EngineName => engine switch
    {
        ProbeEngine.Auto or ProbeEngine.Trap => "trap",
        _ => throw new InvalidOperationException($"Unknown engine {engine}."),
    };

    private static RefusedProbe Refused(ProbeRefusal refusal, Dictionary<string, PlannedProbe> byText)
    {
        var probe = byText.GetValueOrDefault(refusal.Point) ?? new PlannedProbe("", "", refusal.Point, 0, IsNamed: true);
        return new RefusedProbe(probe, ReasonText.Of(refusal.Reason), refusal.Detail);
    }

    private sealed class ArmedRegistration(ProbeRegistration registration, string engine) : IArmedProbe
    {
        public long Hits => registration.Hits;

        public long LostReturns => registration.LostReturns;

        public string Engine => engine;

        public ProbeRegistration Registration => registration;
    }
}
