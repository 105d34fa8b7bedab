using System.Linq.Expressions;
using Uprobes.Channels;

namespace Uprobes.Programs.Queries;

/// <summary>A query as it was written: which hits, which of them, and what of them.</summary>
/// <param name="Subject">Which hits.</param>
/// <param name="Conditions">All of them hold; lambdas of one parameter.</param>
/// <param name="Result">What comes out.</param>
internal sealed record QueryModel(QuerySubject Subject, IReadOnlyList<LambdaExpression> Conditions, QueryResult Result);

/// <summary>What comes out of a query.</summary>
internal abstract record QueryResult;

/// <summary>An event a hit.</summary>
/// <param name="Selector">What it carries.</param>
internal sealed record EventResult(LambdaExpression Selector) : QueryResult;

/// <summary>An aggregate.</summary>
/// <param name="Kind">Of what sort.</param>
/// <param name="Value">What is aggregated: an integer; null for counts.</param>
/// <param name="Key">What it is grouped by, or null.</param>
/// <param name="KeyCapacity">Most keys, a power of two.</param>
/// <param name="Steps">For linear histograms.</param>
internal sealed record AggregateResult(
    AggregateKind Kind, LambdaExpression? Value, LambdaExpression? Key, int KeyCapacity = 1, LinearSteps Steps = default) : QueryResult;

/// <summary>A query as programs, and how what they store is read.</summary>
/// <param name="Group">The programs, with one map or one event.</param>
/// <param name="Shape">Makes the event's value or the key; null where there is neither.</param>
internal sealed record TranslatedQuery(ProgramGroup Group, ValueShape? Shape);
