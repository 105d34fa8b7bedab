using System.Linq.Expressions;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Programs.Queries;

namespace Uprobes;

/// <summary>
/// A question about the hits of one or more probe points. Its lambdas are not run as C#: they become a small program that the
/// session's engine runs at every hit, and only what the query asks for comes out. Immutable; usable from any thread.
/// </summary>
/// <remarks>
/// <para>Lambdas can use the members of their parameter, the integers, <c>bool</c>, <c>char</c> and enums of C# with its operators, strings from
/// <c>ReadString</c> with <c>==</c> and <c>!=</c>, and captured variables, whose values are taken when the query is made. Arithmetic is
/// unchecked; a division by zero gives 0, and a remainder of one the dividend. All else is a <see cref="QueryTranslationException"/>.</para>
/// <para>The aggregates probe at once, and until they are disposed.</para>
/// </remarks>
/// <typeparam name="TPoint">What can be asked of a hit: <see cref="EntryPoint"/>, <see cref="InstructionPoint"/>, <see cref="ReturnPoint"/> or <see cref="CallPoint"/>.</typeparam>
public sealed class ProbeQuery<TPoint>
    where TPoint : HitPoint
{
    private readonly QueryDefinition _query;

    internal ProbeQuery(QueryDefinition query) => _query = query;

    /// <summary>The same, but of those hits only that meet a condition. Several conditions must all be met.</summary>
    /// <param name="condition">Becomes part of the program.</param>
    public ProbeQuery<TPoint> Where(Expression<Func<TPoint, bool>> condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        return new ProbeQuery<TPoint>(_query.With(condition));
    }

    /// <summary>An event for each hit.</summary>
    /// <typeparam name="T">What comes out.</typeparam>
    /// <param name="selector">A single value, or an anonymous type, record, tuple (<c>ValueTuple.Create</c>) or other object that is made of such values by its constructor.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    public EventQuery<T> Select<T>(Expression<Func<TPoint, T>> selector)
    {
        ArgumentNullException.ThrowIfNull(selector);
        return new EventQuery<T>(_query.Source, _query.Events(selector));
    }

    /// <summary>An aggregate for each value of a key.</summary>
    /// <typeparam name="TKey">What is grouped by.</typeparam>
    /// <param name="key">
    /// A single value, string, anonymous type, record or tuple (<c>ValueTuple.Create</c>); it takes at most 256 bytes, 8 for an integer. The function's
    /// name alone (<c>p => p.Function</c>) takes no table and no search.
    /// </param>
    /// <param name="capacity">Most keys, up to 1,048,576; rounded up to a power of two. What finds no room is counted in <see cref="QueryLosses.Keys"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such capacity.</exception>
    public GroupedQuery<TPoint, TKey> GroupBy<TKey>(Expression<Func<TPoint, TKey>> key, int capacity = 4096)
        where TKey : notnull
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, 1 << 20);
        return new GroupedQuery<TPoint, TKey>(_query, key, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)capacity));
    }

    /// <summary>Counts the hits, modulo 2^64.</summary>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<long> Count() =>
        Run(AggregateKind.Count, null, AggregateReading.Count);

    /// <summary>Adds a value up, modulo 2^64.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<long> Sum(Expression<Func<TPoint, long>> value) =>
        Run(AggregateKind.Sum, value, AggregateReading.SignedSum);

    /// <summary>Adds a value up, modulo 2^64.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<ulong> Sum(Expression<Func<TPoint, ulong>> value) =>
        Run(AggregateKind.Sum, value, AggregateReading.UnsignedSum);

    /// <summary>The mean of a value; null before the first hit. The sum that it is made of is one modulo 2^64.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<double?> Average(Expression<Func<TPoint, long>> value) =>
        Run(AggregateKind.Average, value, AggregateReading.OrNull(AggregateReading.Average));

    /// <summary>The mean of a value; null before the first hit. The sum that it is made of is one modulo 2^64.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<double?> Average(Expression<Func<TPoint, ulong>> value) =>
        Run(AggregateKind.Average, value, AggregateReading.OrNull(AggregateReading.Average));

    /// <summary>The least of a value; null before the first hit.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<long?> Min(Expression<Func<TPoint, long>> value) =>
        Run(AggregateKind.Minimum, value, AggregateReading.OrNull(AggregateReading.SignedLeast));

    /// <summary>The least of a value; null before the first hit.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<ulong?> Min(Expression<Func<TPoint, ulong>> value) =>
        Run(AggregateKind.Minimum, value, AggregateReading.OrNull(AggregateReading.UnsignedLeast));

    /// <summary>The greatest of a value; null before the first hit.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<long?> Max(Expression<Func<TPoint, long>> value) =>
        Run(AggregateKind.Maximum, value, AggregateReading.OrNull(AggregateReading.SignedGreatest));

    /// <summary>The greatest of a value; null before the first hit.</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<ulong?> Max(Expression<Func<TPoint, ulong>> value) =>
        Run(AggregateKind.Maximum, value, AggregateReading.OrNull(AggregateReading.UnsignedGreatest));

    /// <summary>How a value is distributed, in powers of two: a range for negative values, one for 0, and one for each [2^n, 2^(n+1)).</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<Histogram> Histogram(Expression<Func<TPoint, long>> value) =>
        Run(AggregateKind.LogHistogram, value, AggregateReading.Histogram);

    /// <summary>How a value is distributed, in powers of two: a range for negative values, one for 0, and one for each [2^n, 2^(n+1)).</summary>
    /// <param name="value">What of each hit.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<Histogram> Histogram(Expression<Func<TPoint, ulong>> value) =>
        Run(AggregateKind.LogHistogram, value, AggregateReading.Histogram);

    /// <summary>How a value is distributed, in steps of one width, with a range below the first and one beyond the last step.</summary>
    /// <param name="value">What of each hit.</param>
    /// <param name="least">Where the first step begins; for an unsigned value not negative.</param>
    /// <param name="limit">Where the last step ends; it does not belong to it.</param>
    /// <param name="width">Of each step, at least 1; (limit - least) is a multiple of it, and there are at most 1,000 steps.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no such steps.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<Histogram> LinearHistogram(Expression<Func<TPoint, long>> value, long least, long limit, long width) =>
        Run(AggregateKind.LinearHistogram, value, AggregateReading.Histogram, QueryDefinition.StepsOf(least, limit, width, isSigned: true));

    /// <summary>How a value is distributed, in steps of one width, with a range below the first and one beyond the last step.</summary>
    /// <param name="value">What of each hit.</param>
    /// <param name="least">Where the first step begins; for an unsigned value not negative.</param>
    /// <param name="limit">Where the last step ends; it does not belong to it.</param>
    /// <param name="width">Of each step, at least 1; (limit - least) is a multiple of it, and there are at most 1,000 steps.</param>
    /// <exception cref="QueryTranslationException">A part of the query cannot become a program; the message names it.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no such steps.</exception>
    /// <exception cref="ProbeRefusedException">No point could be probed.</exception>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public LiveAggregate<Histogram> LinearHistogram(Expression<Func<TPoint, ulong>> value, long least, long limit, long width) =>
        Run(AggregateKind.LinearHistogram, value, AggregateReading.Histogram, QueryDefinition.StepsOf(least, limit, width, isSigned: false));

    private LiveAggregate<T> Run<T>(AggregateKind kind, LambdaExpression? value, Func<IReadOnlyList<AggregateValue>, T> read, LinearSteps steps = default) =>
        _query.Whole(new AggregateResult(kind, value, Key: null, 1, steps), read);
}
