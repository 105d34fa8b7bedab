using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.Tool.Queries;

/// <summary>The programs of the commands that aggregate. Their maps have no key, so that each probe has a cell of its own.</summary>
internal static class AggregateQueries
{
    /// <summary>The map with the result of <see cref="Count"/>, and the buckets of the others.</summary>
    internal const int Main = 0;

    /// <summary>Count, sum, least and greatest value beside the buckets.</summary>
    internal const int Statistics = 1;

    private const long MostChannelBytes = 4L << 30;
    private const int LeastThreads = 64;

    /// <summary>Counts calls.</summary>
    internal static ProgramGroup Count(CallQuery query) =>
        query.Build([new Aggregate(Main, [], null)]) with { Maps = [Map("calls", AggregateKind.Count, DataType.U64)] };

    /// <summary>A histogram of the query's value: of powers of two, or of steps.</summary>
    internal static ProgramGroup Histogram(CallQuery query, LinearSteps? steps) => Distribution(query, query.Value!, steps);

    /// <summary>How long calls take.</summary>
    internal static ProgramGroup Latency(CallQuery query, LinearSteps? steps) => Distribution(query, new Builtin(BuiltinKind.Duration), steps);

    /// <summary>The same with room for fewer threads where the cells of so many probes would else take too many addresses of the process.</summary>
    internal static ProgramGroup Fitted(ProgramGroup group, int probes)
    {
        while (group.ThreadSlots > LeastThreads && group.LayoutFor(probes).Size > MostChannelBytes)
            group = group with { ThreadSlots = group.ThreadSlots / 2 };
        return group;
    }

    /// <summary>The value is taken once: memory may change until a second reading, and the time does.</summary>
    private static ProgramGroup Distribution(CallQuery query, Expression value, LinearSteps? steps)
    {
        LocalValue local = new(0, value.Type);
        Statement[] work = [new SetLocal(0, value), new Aggregate(Main, [], local), new Aggregate(Statistics, [], local)];
        MapDefinition buckets = steps is { } linear
            ? Map("values", AggregateKind.LinearHistogram, value.Type) with { Steps = linear }
            : Map("values", AggregateKind.LogHistogram, value.Type);
        return query.Build(work, [value.Type]) with { Maps = [buckets, Map("statistics", AggregateKind.Statistics, value.Type)] };
    }

    private static MapDefinition Map(string name, AggregateKind kind, DataType type) => new(name, kind, type, [], 1);
}
