using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;
using Uprobes.Tool.Queries;
using Uprobes.Tool.Stacks;

namespace Uprobes.Tool.Commands;

/// <summary>What the commands share that look at stacks: these come as events, and are added up here.</summary>
/// <param name="environment">The world.</param>
/// <param name="request">Where and how.</param>
/// <param name="query">The program.</param>
/// <param name="depth">How many calls of a stack are looked at.</param>
internal abstract class CollectingCommand(ToolEnvironment environment, ProbingRequest request, StackQuery query, int depth)
    : ProbingCommand(environment, request, query.Group)
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(500);
    private IStackSource? _source;

    /// <summary>The stacks so far.</summary>
    protected StackCollector Stacks { get; private set; } = null!;

    /// <summary>The probes, by their numbers.</summary>
    protected IReadOnlyList<PlannedProbe> Probes { get; private set; } = [];

    /// <inheritdoc/>
    protected override IArmedPrograms Arm(IProbeSession session, IReadOnlyList<PlannedProbe> probes, ResultOutput output)
    {
        (Probes, _source) = (probes, session.OpenStacks());
        foreach (var processId in session.ProcessIds)
            _source.Look(processId);
        Stacks = new StackCollector(_source, query, probes, depth);
        return session.Run(AggregateQueries.Fitted(Group, probes.Count), probes, Stacks);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _source?.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Waits for the end, with a live line where there can be one.</summary>
    protected RunEnd WaitWithProgress(ProbeRun run)
    {
        try
        {
            // A started command writes to the same terminal: a live line would stand in its output.
            return Status.CanShowProgress && !StartsCommand
                ? run.Wait(Request.Duration, ProgressInterval, () => Status.ShowProgress($"{Amount.Of(Stacks.Seen, "call")} in {Amount.Of(Stacks.Count, "stack")}"))
                : run.Wait(Request.Duration, interval: null, tick: static () => { });
        }
        finally
        {
            Status.EndProgress();
        }
    }

    /// <summary>What was found so far.</summary>
    protected StackResults Read(IArmedPrograms armed)
    {
        var counts = armed.Snapshot(StackQuery.Calls);
        return new StackResults
        {
            Probes = Probes,
            Stacks = Stacks.Read(),
            Value = query.Value,
            OneOf = query.OneOf,
            Calls = armed.Armed.Sum(a => (long)(counts.OfProbe(a.Index)?.Count ?? 0)),
        };
    }

    /// <summary>Tells what is missing in the results; call it when the probes are gone.</summary>
    /// <returns>How many calls are missing.</returns>
    /// <exception cref="ToolException">The stacks could not be read to their end.</exception>
    protected long TellLosses(IArmedPrograms armed)
    {
        if (Stacks.Failure is { } broken)
            throw new ToolException($"reading stacks failed and ended early: {broken.Message}", "the results are not complete", inner: broken);
        var losses = armed.Losses;
        if (losses.Missing > 0)
        {
            Status.Write($"the stacks of {Amount.Of(losses.Missing, "call")} are missing: they came faster than they could be read{(query.OneOf == 1 ? " (--one-of 100 looks at fewer)" : "")}");
        }
        if (Stacks.Unkept > 0)
            Status.Write($"{Amount.Of(Stacks.Unkept, "call")} of further stacks are left out: more than {StackCollector.MostStacks} are not told apart (--depth makes fewer)");
        if (Stacks.Unreadable > 0)
            Status.Write($"of {Amount.Of(Stacks.Unreadable, "call")} nothing could be found in the stack");
        return losses.Missing + Stacks.Unkept + Stacks.Unreadable;
    }
}
