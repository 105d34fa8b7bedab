using System.Linq.Expressions;
using Uprobes.Channels;
using Uprobes.Programs.Queries;

namespace Uprobes;

/// <summary>A query before its result is chosen. Immutable.</summary>
/// <param name="Source">Which hits.</param>
/// <param name="Conditions">All of them hold.</param>
internal sealed record QueryDefinition(QuerySource Source, IReadOnlyList<LambdaExpression> Conditions)
{
    private const int MostSteps = 1000;

    /// <summary>The same with one condition more.</summary>
    internal QueryDefinition With(LambdaExpression condition) => this with { Conditions = [.. Conditions, condition] };

    /// <summary>Translates it into programs that send events.</summary>
    internal TranslatedQuery Events(LambdaExpression selector) => Translate(new EventResult(selector));

    /// <summary>Runs it with one aggregate of all hits.</summary>
    /// <param name="result">What is kept.</param>
    /// <param name="read">Makes the result of the values of all probes and processes.</param>
    internal LiveAggregate<T> Whole<T>(AggregateResult result, Func<IReadOnlyList<AggregateValue>, T> read)
    {
        IQueryRun run = Source.Run(Translate(result), events: null);
        return new LiveAggregate<T>(Source, run, r => read([.. r.Snapshot(0).Rows.Values]));
    }

    /// <summary>Runs it with an aggregate for each key.</summary>
    /// <param name="result">What is kept.</param>
    /// <param name="read">Makes the result of a key's values.</param>
    internal LiveAggregate<IReadOnlyDictionary<TKey, T>> Grouped<TKey, T>(AggregateResult result, Func<IReadOnlyList<AggregateValue>, T> read)
        where TKey : notnull
    {
        TranslatedQuery query = Translate(result);
        IQueryRun run = Source.Run(query, events: null);
        return new LiveAggregate<IReadOnlyDictionary<TKey, T>>(Source, run, r =>
        {
            Dictionary<TKey, List<AggregateValue>> groups = [];
            foreach ((MapKey stored, AggregateValue value) in r.Snapshot(0).Rows)
            {
                TKey key = (TKey)query.Shape!.Build(new KeyValues(stored))!;
                if (groups.TryGetValue(key, out List<AggregateValue>? values))
                    values.Add(value);
                else
                    groups.Add(key, [value]);
            }

            return groups.ToDictionary(group => group.Key, group => read(group.Value));
        });
    }

    private TranslatedQuery Translate(QueryResult result) =>
        QueryTranslator.Translate(new QueryModel(Source.Subject, Conditions, result), Source.Functions);

    /// <summary>The steps of a linear histogram.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are no such steps.</exception>
    internal static LinearSteps StepsOf(long least, long limit, long width, bool isSigned)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, least);
        if (!isSigned)
            ArgumentOutOfRangeException.ThrowIfNegative(least);
        Int128 range = (Int128)limit - least;
        if (range % width != 0 || range / width > MostSteps)
            throw new ArgumentOutOfRangeException(nameof(width), width, $"from {least} to {limit} there are not 1 to {MostSteps} whole steps of this width");
        return new LinearSteps(least, limit, width);
    }
}
