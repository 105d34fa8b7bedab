using Uprobes.Channels;
using Uprobes.Programs.Queries;
using Uprobes.Registry;

namespace Uprobes;

/// <summary>
/// Events of a running query. They are read by one <c>await foreach</c>; what arrives before waits in a buffer of
/// <see cref="Capacity"/> events. Disposing it takes the probes out and ends the loop. The other members may be called from any thread.
/// </summary>
/// <typeparam name="T">What an event is.</typeparam>
public sealed class LiveEvents<T> : IAsyncEnumerable<T>, IDisposable, IQueryEvents
{
    /// <summary>How many events wait for the reader at most. Further ones are dropped and counted in <see cref="Losses"/>; the processes never wait.</summary>
    public const int Capacity = 1 << 18;

    private readonly EventBuffer<T> _events = new(Capacity);
    private readonly EventValues _values = new();
    private readonly QuerySource _source;
    private readonly ValueBuilder<T> _builder;
    private readonly IQueryRun _run;
    private readonly long _most;
    private long _accepted, _dropped;

    internal LiveEvents(QuerySource source, TranslatedQuery query, long most)
    {
        (_source, _builder, _most) = (source, new ValueBuilder<T>(query.Shape!), most);
        if (most == 0)
            _events.Complete(null);
        _run = source.Run(query, this);
    }

    /// <summary>What is missing in the stream so far.</summary>
    public QueryLosses Losses => _run.Losses with { Events = _run.Losses.Events + Interlocked.Read(ref _dropped) };

    /// <summary>
    /// Whether hits make events; true at first. Setting it stops no thread and leaves the probes in place, so that it may be done thousands
    /// of times a second: see <see cref="ProbeRegistration.IsEnabled"/>.
    /// </summary>
    public bool IsEnabled
    {
        get => _run.IsEnabled;
        set => _run.IsEnabled = value;
    }

    /// <summary>The points that are not probed, in some process or in all, each with its reason. More can come when a process loads a library.</summary>
    public IReadOnlyList<ProbeRefusal> Refusals => [.. _source.Refused, .. _run.Refusals];

    /// <summary>The events in the order of their time, as far as possible: one that its thread was just writing may come late. Ends with the session, or after <see cref="EventQuery{T}.Take"/>.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        _events.Read(cancellationToken);

    /// <summary>Takes the probes out and ends the stream. Idempotent; never fails.</summary>
    public void Dispose()
    {
        _run.Dispose();
        _events.Complete(null);
    }

    void IQueryEvents.Accept(EventRecord record, long timestamp, int processId)
    {
        if (_accepted == _most)
            return;
        if (!_events.TryAdd(_builder.Build(_values.Of(record, timestamp))))
        {
            Interlocked.Increment(ref _dropped);
            return;
        }

        if (++_accepted == _most)
            _events.Complete(null);
    }

    void IQueryEvents.Complete(Exception? error) => _events.Complete(error);
}
