using Uprobes.Images;
using Uprobes.Programs;

namespace Uprobes.Tool.Probing;

/// <summary>The seam's real side: a session of the library.</summary>
internal sealed class LiveSession(UprobeSession session) : IProbeSession
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
    public IArmedPrograms Run(ProgramGroup group, IReadOnlyList<PlannedProbe> probes, IQueryEvents? events)
    {
        ProbePoint[] points = [.. probes.Select(PointOf)];
        return new LivePrograms(((IQueryHost)session).Run(group, points, events), probes, points);
    }

    /// <inheritdoc/>
    public IStackSource OpenStacks() => new LiveStacks(session);

    /// <inheritdoc/>
    public void Start() => session.Start();

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();

    private static ProbePoint PointOf(PlannedProbe probe) => probe.Source is ElfFunctionSource source
        ? ProbePoint.At(source.Image, new FileOffset(probe.Offset), probe.Function)
        : ProbePoint.At(probe.Image, new FileOffset(probe.Offset), probe.Function);
}
