using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.Tests.Queries;

/// <summary>Runs queries on made-up hits by the interpreter; everything from the channel on is real.</summary>
internal sealed class InterpretedHost : IQueryHost
{
    internal static readonly ProbePoint[] Points = [ProbePoint.At("libc", "malloc"), ProbePoint.At("libc", "free"), ProbePoint.At("libc", "calloc")];

    /// <summary>The points that are refused.</summary>
    internal HashSet<ProbePoint> Refused { get; init; } = [];

    internal List<InterpretedRun> Runs { get; } = [];

    internal InterpretedRun Last => Runs[^1];

    public IQueryRun Run(ProgramGroup group, IReadOnlyList<ProbePoint> points, IQueryEvents? events)
    {
        Assert.Equal(group.Events.Count > 0, events is not null);
        Runs.Add(new InterpretedRun(group, points, Refused, events));
        return Last;
    }
}
