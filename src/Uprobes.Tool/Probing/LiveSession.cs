using Uprobes.Images;
using Uprobes.Images.StaticProbes;
using Uprobes.Programs;
using Uprobes.Tool.Messages;

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
        if (probes.Any(probe => probe.Mark is not null))
            group = group with { OfProbes = [.. probes.Select(probe => ProgramsAt(probe, new ProbePrograms(group.Entry, group.Return)))] };
        return new LivePrograms(((IQueryHost)session).Run(group, points, events), probes, points);
    }

    /// <inheritdoc/>
    public IStackSource OpenStacks() => new LiveStacks(session);

    /// <inheritdoc/>
    public void Start() => session.Start();

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();

    /// <summary>At a static probe the arguments are where its note says.</summary>
    private static ProbePrograms ProgramsAt(PlannedProbe probe, ProbePrograms programs) => probe.Mark is not { } mark
        ? programs
        : new ExpressionSubstitution(expression => expression is not Argument { Index: var index } ? null : index < mark.Arguments.Count && mark.Arguments[index] is { Problem: null } argument
            ? StaticArgumentValue.Expression(mark, argument)
            : throw WithoutArgument(mark, index)).In(programs);

    private static ToolException WithoutArgument(StaticProbeNote mark, int index)
    {
        var hint = $"what can be shown of it is shown with --args {mark.Arguments.TakeWhile(a => a.Problem is null).Count()}";
        return index < mark.Arguments.Count
            ? new ToolException($"arg{index} of {mark}, {mark.Arguments[index].Text}, cannot be read: {mark.Arguments[index].Problem}", hint)
            : new ToolException($"{mark} has no arg{index}", hint);
    }

    private static ProbePoint PointOf(PlannedProbe probe) => probe is { Mark: { } mark, Source: ElfFunctionSource marked } ? ProbePoint.At(marked.Image, mark)
        : probe.Source is ElfFunctionSource source
        ? ProbePoint.At(source.Image, new FileOffset(probe.Offset), probe.Function)
        : ProbePoint.At(probe.Image, new FileOffset(probe.Offset), probe.Function);
}
