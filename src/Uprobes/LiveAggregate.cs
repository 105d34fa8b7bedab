using Uprobes.Registry;

namespace Uprobes;

/// <summary>
/// An aggregate that is kept up with every hit, until it is disposed. Reading it disturbs nobody: no process is stopped.
/// Disposing it takes its probes out. All members may be called from any thread.
/// </summary>
/// <typeparam name="T">What a snapshot is.</typeparam>
public sealed class LiveAggregate<T> : IDisposable
{
    private readonly QuerySource _source;
    private readonly IQueryRun _run;
    private readonly Func<IQueryRun, T> _read;

    internal LiveAggregate(QuerySource source, IQueryRun run, Func<IQueryRun, T> read) => (_source, _run, _read) = (source, run, read);

    /// <summary>The aggregate now: the same as <see cref="Snapshot"/>.</summary>
    /// <exception cref="ObjectDisposedException">It has been disposed.</exception>
    public T Value => Snapshot();

    /// <summary>What is missing in the aggregate so far.</summary>
    public QueryLosses Losses => _run.Losses;

    /// <summary>
    /// Whether hits count; true at first. Setting it stops no thread and leaves the probes in place, so that it may be done thousands of
    /// times a second: see <see cref="ProbeRegistration.IsEnabled"/>.
    /// </summary>
    public bool IsEnabled
    {
        get => _run.IsEnabled;
        set => _run.IsEnabled = value;
    }

    /// <summary>The points that are not probed, in some process or in all, each with its reason. More can come when a process loads a library.</summary>
    public IReadOnlyList<ProbeRefusal> Refusals => [.. _source.Refused, .. _run.Refusals];

    /// <summary>
    /// The aggregate now, over all processes since it began, those that have ended included; of a session that has ended, its last state. Hits that happen meanwhile may be in it or not.
    /// </summary>
    /// <exception cref="ObjectDisposedException">It has been disposed.</exception>
    public T Snapshot() => _read(_run);

    /// <summary>Takes the probes out. Idempotent; never fails. Take the last snapshot before.</summary>
    public void Dispose() => _run.Dispose();
}
