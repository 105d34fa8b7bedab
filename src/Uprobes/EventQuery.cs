using Uprobes.Programs.Queries;

namespace Uprobes;

/// <summary>
/// A query whose results are events. Nothing is probed before it is enumerated or started; each enumeration probes anew, and its end, by
/// <c>break</c> or otherwise, takes the probes out. Immutable; usable from any thread.
/// </summary>
/// <typeparam name="T">What an event is.</typeparam>
public sealed class EventQuery<T> : IAsyncEnumerable<T>
{
    private readonly QuerySource _source;
    private readonly TranslatedQuery _query;
    private readonly long _most;

    internal EventQuery(QuerySource source, TranslatedQuery query, long most = long.MaxValue) => (_source, _query, _most) = (source, query, most);

    /// <summary>The same events, but no more than a number of them.</summary>
    /// <param name="count">At least 0.</param>
    public EventQuery<T> Take(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return new EventQuery<T>(_source, _query, Math.Min(_most, count));
    }

    /// <summary>Probes now, so that events are kept from here on, and tells what was refused and lost. The caller disposes the stream.</summary>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveEvents<T> Start() => new(_source, _query, _most);

    /// <summary>Probes, gives the events as they come, and takes the probes out at the end. Ends with the session, or after <see cref="Take"/>.</summary>
    /// <remarks>Where some of several points may be refused or events get lost, use <see cref="Start"/>, which tells.</remarks>
    /// <exception cref="ProbeRefusedException">A point could not be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        using LiveEvents<T> stream = Start();
        if (stream.Refusals is [var refusal, ..])
            throw new ProbeRefusedException(refusal);
        await foreach (T value in stream.WithCancellation(cancellationToken).ConfigureAwait(false))
            yield return value;
    }
}
