using System.Linq.Expressions;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Programs.Queries;

namespace Uprobes;

/// <summary>A question about groups of hits: an aggregate for each value of a key. Immutable; usable from any thread.</summary>
/// <remarks>The aggregates probe at once, and until they are disposed. A snapshot has the keys that had a hit.</remarks>
/// <typeparam name="TPoint">What can be asked of a hit.</typeparam>
/// <typeparam name="TKey">What is grouped by.</typeparam>
public sealed class GroupedQuery<TPoint, TKey>
    where TPoint : HitPoint
    where TKey : notnull
{
    private readonly QueryDefinition _query;
    private readonly LambdaExpression _key;
    private readonly int _capacity;

    internal GroupedQuery(QueryDefinition query, LambdaExpression key, int capacity) => (_query, _key, _capacity) = (query, key, capacity);

    /// <summary>Counts the hits for each key, modulo 2^64.</summary>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<IReadOnlyDictionary<TKey, long>> Count() =>
        Run(AggregateKind.Count, null, AggregateReading.Count);

    /// <summary>Adds a value up for each key, modulo 2^64.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<IReadOnlyDictionary<TKey, long>> Sum(Expression<Func<TPoint, long>> value) =>
        Run(AggregateKind.Sum, value, AggregateReading.SignedSum);

    /// <summary>Adds a value up for each key, modulo 2^64.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<IReadOnlyDictionary<TKey, ulong>> Sum(Expression<Func<TPoint, ulong>> value) =>
        Run(AggregateKind.Sum, value, AggregateReading.UnsignedSum);

    /// <summary>The mean of a value for each key. The sum that it is made of is one modulo 2^64.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<IReadOnlyDictionary<TKey, double>> Average(Expression<Func<TPoint, long>> value) =>
        Run(AggregateKind.Average, value, AggregateReading.Average);

    /// <summary>The mean of a value for each key. The sum that it is made of is one modulo 2^64.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<IReadOnlyDictionary<TKey, double>> Average(Expression<Func<TPoint, ulong>> value) =>
        Run(AggregateKind.Average, value, AggregateReading.Average);

    /// <summary>The least of a value for each key.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<IReadOnlyDictionary<TKey, long>> Min(Expression<Func<TPoint, long>> value) =>
        Run(AggregateKind.Minimum, value, AggregateReading.SignedLeast);

    /// <summary>The least of a value for each key.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<IReadOnlyDictionary<TKey, ulong>> Min(Expression<Func<TPoint, ulong>> value) =>
        Run(AggregateKind.Minimum, value, AggregateReading.UnsignedLeast);

    /// <summary>The greatest of a value for each key.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<IReadOnlyDictionary<TKey, long>> Max(Expression<Func<TPoint, long>> value) =>
        Run(AggregateKind.Maximum, value, AggregateReading.SignedGreatest);

    /// <summary>The greatest of a value for each key.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<IReadOnlyDictionary<TKey, ulong>> Max(Expression<Func<TPoint, ulong>> value) =>
        Run(AggregateKind.Maximum, value, AggregateReading.UnsignedGreatest);

    /// <summary>How a value is distributed for each key, in powers of two: a range for negative values, one for 0, and one for each [2^n, 2^(n+1)).</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<IReadOnlyDictionary<TKey, Histogram>> Histogram(Expression<Func<TPoint, long>> value) =>
        Run(AggregateKind.LogHistogram, value, AggregateReading.Histogram);

    /// <summary>How a value is distributed for each key, in powers of two: a range for negative values, one for 0, and one for each [2^n, 2^(n+1)).</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<IReadOnlyDictionary<TKey, Histogram>> Histogram(Expression<Func<TPoint, ulong>> value) =>
        Run(AggregateKind.LogHistogram, value, AggregateReading.Histogram);

    /// <summary>How a value is distributed for each key, in steps of one width, with a range below the first and one beyond the last step.</summary>
    /// <param name="value">What of each hit.</param>
    /// <param name="least">Where the first step begins; for an unsigned value not negative.</param>
    /// <param name="limit">Where the last step ends; it does not belong to it.</param>
    /// <param name="width">Of each step, at least 1; (limit - least) is a multiple of it, and there are at most 1,000 steps.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no such steps.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<IReadOnlyDictionary<TKey, Histogram>> LinearHistogram(Expression<Func<TPoint, long>> value, long least, long limit, long width) =>
        Run(AggregateKind.LinearHistogram, value, AggregateReading.Histogram, QueryDefinition.StepsOf(least, limit, width, isSigned: true));

    /// <summary>How a value is distributed for each key, in steps of one width, with a range below the first and one beyond the last step.</summary>
    /// <param name="value">What of each hit.</param>
    /// <param name="least">Where the first step begins; for an unsigned value not negative.</param>
    /// <param name="limit">Where the last step ends; it does not belong to it.</param>
    /// <param name="width">Of each step, at least 1; (limit - least) is a multiple of it, and there are at most 1,000 steps.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no such steps.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<IReadOnlyDictionary<TKey, Histogram>> LinearHistogram(Expression<Func<TPoint, ulong>> value, long least, long limit, long width) =>
        Run(AggregateKind.LinearHistogram, value, AggregateReading.Histogram, QueryDefinition.StepsOf(least, limit, width, isSigned: false));

    private LiveAggregate<IReadOnlyDictionary<TKey, T>> Run<T>(
        AggregateKind kind, LambdaExpression? value, Func<IReadOnlyList<AggregateValue>, T> read, LinearSteps steps = default) =>
        _query.Grouped<TKey, T>(new AggregateResult(kind, value, _key, _capacity, steps), read);
}
