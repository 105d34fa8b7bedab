using System.Linq.Expressions;
using Uprobes.Channels;
using LinqExpression = System.Linq.Expressions.Expression;

namespace Uprobes.Programs.Queries;

/// <summary>Makes programs of a query.</summary>
/// <remarks>
/// Conditions come first, the cheapest way out. Of returns and calls, what is known at the entry is decided there, so that a call that
/// does not matter is not followed at all.
/// </remarks>
internal sealed class QueryTranslator
{
    private readonly QueryModel _query;
    private readonly IReadOnlyList<string> _functions;
    private readonly KeptArguments _kept = new();
    private readonly ExpressionTranslator _atEntry, _atSink;

    private QueryTranslator(QueryModel query, IReadOnlyList<string> functions)
    {
        (_query, _functions) = (query, functions);
        _atEntry = new ExpressionTranslator(new PointMembers(query.Subject, atReturn: false, _kept), functions);
        _atSink = new ExpressionTranslator(new PointMembers(query.Subject, IsFollowed, _kept), functions);
    }

    private bool IsFollowed => _query.Subject is QuerySubject.Return or QuerySubject.Call;

    /// <summary>Translates a query.</summary>
    /// <param name="query">The query.</param>
    /// <param name="functions">The names of the probed functions, by the probe's index.</param>
    /// <exception cref="QueryTranslationException">A part of it cannot be translated.</exception>
    internal static TranslatedQuery Translate(QueryModel query, IReadOnlyList<string> functions) =>
        new QueryTranslator(query, functions).Translate();

    private TranslatedQuery Translate()
    {
        List<Expression> entryConditions = [], conditions = [];
        foreach (LinqExpression condition in _query.Conditions.SelectMany(c => Conjuncts(c.Body)))
        {
            if (IsFollowed && PointMembers.IsKnownAtEntry(condition))
                entryConditions.Add(_atEntry.Integer(condition));
            else
                conditions.Add(_atSink.Integer(condition));
        }

        (ProgramGroup group, Statement statement, ValueShape? shape) = Sink();
        ProbeProgram program = Guarded(conditions, statement);
        ProbeProgram entry = IsFollowed ? Guarded(entryConditions, new FollowCall(_kept.Words)) : program;
        group = group with { Entry = entry, Return = IsFollowed ? program : null };
        return ProgramChecker.Check(group) is [var problem, ..] ? throw TooMuch(problem) : new TranslatedQuery(group, shape);
    }

    private static ProbeProgram Guarded(List<Expression> conditions, Statement statement)
    {
        if (conditions.Count > 0)
            statement = new If(ExpressionTranslator.Combined(BinaryOperator.LogicalAnd, [.. conditions]), [statement], []);
        return new ProbeProgram([statement], []);
    }

    private static IEnumerable<LinqExpression> Conjuncts(LinqExpression condition) =>
        condition is BinaryExpression { NodeType: ExpressionType.AndAlso, Method: null } both
            ? Conjuncts(both.Left).Concat(Conjuncts(both.Right))
            : [condition];

    private (ProgramGroup Group, Statement Statement, ValueShape? Shape) Sink() => _query.Result switch
    {
        EventResult result => Event(result.Selector),
        AggregateResult result => Aggregate(result),
        _ => throw new InvalidOperationException($"there is no result like {_query.Result}"),
    };

    private (ProgramGroup Group, Statement Statement, ValueShape Shape) Event(LambdaExpression selector)
    {
        ShapeTranslator translator = new(_atSink, _functions, ShapeUse.Event);
        ValueShape shape = translator.Translate(selector.Body);
        EventDefinition definition = new(ExpressionText.Of(selector), [.. translator.Fields.Select(f => f.Type)]);
        if (definition.RecordSize > ChannelLayout.LargestRecord)
            throw TooLarge(selector, definition.RecordSize, ChannelLayout.LargestRecord, "an event");

        return (Empty with { Events = [definition] }, new Emit(0, translator.Fields), shape);
    }

    private (ProgramGroup Group, Statement Statement, ValueShape? Shape) Aggregate(AggregateResult result)
    {
        Expression? value = result.Value is null ? null : _atSink.Integer(result.Value.Body);
        ShapeTranslator? key = null;
        ValueShape? shape = null;
        if (result.Key is { } selector)
        {
            // A group for each probe needs no key: every probe has cells of its own.
            key = new ShapeTranslator(_atSink, _functions, ShapeUse.Cells);
            shape = key.Translate(selector.Body);
            if (key.Fields.Count > 0)
            {
                key = new ShapeTranslator(_atSink, _functions, ShapeUse.Key);
                shape = key.Translate(selector.Body);
            }
        }

        IReadOnlyList<Expression> fields = key?.Fields ?? [];

        // Cells of a probe's own are always there: the average's has a count also, which tells a sum of 0 from none.
        AggregateKind kind = result is { Kind: AggregateKind.Sum, Key: not null } && fields.Count == 0 ? AggregateKind.Average : result.Kind;
        MapDefinition map = new(result.Key is null ? "all" : ExpressionText.Of(result.Key), kind, value?.Type ?? DataType.U64,
            [.. fields.Select(f => f.Type)], fields.Count == 0 ? 1 : result.KeyCapacity, result.Steps);
        if (map.KeySize > ProgramLimits.KeySize)
            throw TooLarge(result.Key!, map.KeySize, ProgramLimits.KeySize, "a key");

        return (Empty with { Maps = [map] }, new Aggregate(0, fields, value), shape);
    }

    private static ProgramGroup Empty => new() { Entry = new ProbeProgram([], []) };

    private static QueryTranslationException TooLarge(LambdaExpression expression, int size, int limit, string what) =>
        new(ExpressionText.Of(expression.Body), $"it takes {size} bytes and {what} has at most {limit}", "Ask for fewer values or shorter texts.");

    /// <summary>The parts are right, but the whole is more than a program may be.</summary>
    private QueryTranslationException TooMuch(ProgramProblem problem) => new(
        string.Join(" && ", [.. _query.Conditions.Select(c => ExpressionText.Of(c.Body)), .. ResultTexts]),
        $"the program would be too large ({problem})", "Ask for less at once, or simplify nested expressions.");

    private IEnumerable<string> ResultTexts => _query.Result switch
    {
        EventResult result => [ExpressionText.Of(result.Selector.Body)],
        AggregateResult result => new[] { result.Value, result.Key }.OfType<LambdaExpression>().Select(lambda => ExpressionText.Of(lambda.Body)),
        _ => [],
    };
}
