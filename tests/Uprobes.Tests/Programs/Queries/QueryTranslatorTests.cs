using System.Linq.Expressions;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Programs.Queries;

namespace Uprobes.Tests.Programs.Queries;

/// <summary>Whole queries: the programs, and how results are put together.</summary>
public sealed class QueryTranslatorTests
{
    private static readonly Argument First = new(0);

    private sealed record Allocation(int Thread, ulong Size);

    private sealed class Settable
    {
        public int Thread { get; set; }

        public long? Size { get; set; }
    }

    [Fact]
    public void Conditions_guard_what_is_done()
    {
        TranslatedQuery query = Aggregates<EntryPoint>(QuerySubject.Entry, AggregateKind.Count, null, null, p => p.Arg(0) > 1, p => p.Arg(1) > 2);
        If guard = Assert.IsType<If>(Assert.Single(query.Group.Entry.Body));
        Assert.Equal(BinaryOperator.LogicalAnd, Assert.IsType<Binary>(guard.Condition).Operator);
        Aggregate count = Assert.IsType<Aggregate>(Assert.Single(guard.Then));
        Assert.Null(count.Value);
        Assert.Null(query.Group.Return);
        Assert.Equal(AggregateKind.Count, Assert.Single(query.Group.Maps).Kind);
    }

    [Fact]
    public void Many_conditions_make_a_flat_tree()
    {
        Expression<Func<EntryPoint, bool>> condition = p => p.Arg(0) > 1;
        TranslatedQuery query = Aggregates(QuerySubject.Entry, AggregateKind.Count, null, null, [.. Enumerable.Repeat(condition, 64)]);
        Assert.Equal(6 + 2, Depth(Assert.IsType<If>(query.Group.Entry.Body[0]).Condition));

        static int Depth(Uprobes.Programs.Expression expression) => expression is Binary b ? 1 + Math.Max(Depth(b.Left), Depth(b.Right)) : 1;
    }

    [Fact]
    public void Fields_of_an_event_are_what_is_selected_without_what_its_header_has()
    {
        TranslatedQuery query = Events<EntryPoint, object>(QuerySubject.Entry, p => new { p.ThreadId, p.Timestamp, Size = p.Arg(0), Name = p.ReadString(p.Arg(1), 8) });
        Emit emit = Assert.IsType<Emit>(Assert.Single(query.Group.Entry.Body));
        Assert.Equal([First, new LoadText(new Argument(1), 8)], emit.Fields);
        Assert.Equal([DataType.U64, DataType.Text(8)], Assert.Single(query.Group.Events).Fields);

        object? made = query.Shape!.Build(new HandMadeValues(77ul, "abc") { Thread = 12, Time = 34 });
        Assert.Equal(new { ThreadId = 12, Timestamp = 34L, Size = 77ul, Name = "abc" }, made);
    }

    [Fact]
    public void Records_tuples_and_objects_are_made_by_their_constructors()
    {
        HandMadeValues fields = new(5) { Thread = 1 };
        Assert.Equal(new Allocation(1, 5), Events<EntryPoint, Allocation>(QuerySubject.Entry, p => new Allocation(p.ThreadId, p.Arg(0))).Shape!.Build(fields));
        Assert.Equal((1, 5ul), Events<EntryPoint, ValueTuple<int, ulong>>(QuerySubject.Entry, p => ValueTuple.Create(p.ThreadId, p.Arg(0))).Shape!.Build(fields));
        Settable made = Assert.IsType<Settable>(
            Events<EntryPoint, Settable>(QuerySubject.Entry, p => new Settable { Thread = p.ThreadId, Size = p.SignedArg(0) }).Shape!.Build(fields));
        Assert.Equal((1, 5L), (made.Thread, made.Size));
    }

    [Fact]
    public void What_is_known_when_the_query_is_made_takes_no_field()
    {
        TimeSpan known = TimeSpan.FromSeconds(3);
        TranslatedQuery query = Events<EntryPoint, object>(QuerySubject.Entry, p => new { Known = known, Name = p.Function });
        Assert.Equal([DataType.U32], query.Group.Events[0].Fields);
        Assert.Equal(new { Known = known, Name = "free" }, query.Shape!.Build(new HandMadeValues(1)));
        Assert.Equal(new { Known = known, Name = "?" }, query.Shape.Build(new HandMadeValues(99)));
    }

    [Fact]
    public void Groups_by_function_need_no_key()
    {
        TranslatedQuery query = Aggregates<EntryPoint>(QuerySubject.Entry, AggregateKind.Sum, Of<long>(p => p.SignedArg(0)), Of<string>(p => p.Function));
        Assert.False(query.Group.Maps[0].IsKeyed);
        Assert.Equal(1, query.Group.Maps[0].Capacity);
        Assert.Equal("free", query.Shape!.Build(new HandMadeValues { Cell = 1 }));
    }

    [Fact]
    public void Groups_by_other_things_have_them_as_their_key()
    {
        TranslatedQuery query = Aggregates<EntryPoint>(QuerySubject.Entry, AggregateKind.Average, Of<long>(p => (int)p.Arg(0)), Of<object>(p => new { p.Function, p.ThreadId }));
        MapDefinition map = query.Group.Maps[0];
        Assert.Equal([DataType.U32, DataType.I32], map.Keys);
        Assert.Equal((64, DataType.I64), (map.Capacity, map.ValueType));
        Assert.Equal(new { Function = "free", ThreadId = -2 }, query.Shape!.Build(new HandMadeValues(1, -2)));
    }

    [Fact]
    public void Calls_keep_the_arguments_that_are_asked_for_and_decide_at_the_entry_what_they_can()
    {
        TranslatedQuery query = Aggregates<CallPoint>(QuerySubject.Call, AggregateKind.LogHistogram, (Expression<Func<CallPoint, long>>)(c => c.DurationNanoseconds + c.SignedArg(3)),
            null, c => c.Arg(1) > 7 && c.ReturnValue != c.Arg(2), c => c.Function == "free");
        If atEntry = Assert.IsType<If>(Assert.Single(query.Group.Entry.Body));
        Assert.Equal(
            new Binary(BinaryOperator.LogicalAnd, new Binary(BinaryOperator.Greater, new Argument(1), new Constant(7, DataType.U64)),
                new Binary(BinaryOperator.Equal, new Builtin(BuiltinKind.ProbeIndex), new Constant(1, DataType.U32))),
            atEntry.Condition);
        Assert.Equal([new Argument(2), new Argument(3)], Assert.IsType<FollowCall>(Assert.Single(atEntry.Then)).Words);

        If atReturn = Assert.IsType<If>(Assert.Single(query.Group.Return!.Body));
        Assert.Equal(new Binary(BinaryOperator.NotEqual, new ReturnValue(), new EntryWord(0)), atReturn.Condition);
        Assert.Equal(new Binary(BinaryOperator.Add, new Builtin(BuiltinKind.Duration), new Cast(new EntryWord(1), DataType.I64)),
            Assert.IsType<Aggregate>(Assert.Single(atReturn.Then)).Value);
    }

    [Fact]
    public void The_time_of_a_call_is_that_of_its_entry()
    {
        TranslatedQuery query = Events<CallPoint, long>(QuerySubject.Call, c => c.Timestamp);
        Assert.Equal(new Binary(BinaryOperator.Subtract, new Builtin(BuiltinKind.Timestamp), new Builtin(BuiltinKind.Duration)),
            Assert.Single(Assert.IsType<Emit>(query.Group.Return!.Body[0]).Fields));
    }

    [Fact]
    public void A_seventh_argument_of_a_call_cannot_be_kept()
    {
        QueryTranslationException error = Assert.Throws<QueryTranslationException>(() => Events<CallPoint, object>(QuerySubject.Call,
            c => new { A = c.Arg(0), B = c.Arg(1), C = c.Arg(2), D = c.Arg(3), E = c.Arg(4), F = c.Arg(5), G = c.Arg(6) }));
        Assert.Equal("c.Arg(6)", error.Subexpression);
    }

    [Fact]
    public void A_part_of_a_selection_that_cannot_be_translated_is_named()
    {
        QueryTranslationException error = Assert.Throws<QueryTranslationException>(() => Events<EntryPoint, object>(QuerySubject.Entry,
            p => new { p.ThreadId, Text = p.ReadString(p.Arg(0)).ToUpperInvariant() }));
        Assert.Equal("p.ReadString(p.Arg(0)).ToUpperInvariant()", error.Subexpression);
    }

    [Fact]
    public void A_key_that_is_too_large_is_refused()
    {
        QueryTranslationException error = Assert.Throws<QueryTranslationException>(() => Aggregates<EntryPoint>(QuerySubject.Entry, AggregateKind.Count, null,
            Of<object>(p => new
            {
                A = p.ReadString(p.Arg(0), 256), B = p.ReadString(p.Arg(1), 256), C = p.ReadString(p.Arg(2), 256), D = p.ReadString(p.Arg(3), 256),
                E = p.ReadString(p.Arg(4), 256), F = p.ReadString(p.Arg(5), 256), G = p.ReadString(p.Arg(6), 256), H = p.ReadString(p.Arg(7), 256),
            })));
        Assert.Contains("a key has at most", error.Message, StringComparison.Ordinal);
    }

    private static Expression<Func<EntryPoint, T>> Of<T>(Expression<Func<EntryPoint, T>> expression) => expression;

    private static TranslatedQuery Events<TPoint, T>(QuerySubject subject, Expression<Func<TPoint, T>> selector) =>
        QueryTranslator.Translate(new QueryModel(subject, [], new EventResult(selector)), ["malloc", "free"]);

    private static TranslatedQuery Aggregates<TPoint>(
        QuerySubject subject, AggregateKind kind, LambdaExpression? value, LambdaExpression? key, params Expression<Func<TPoint, bool>>[] conditions) =>
        QueryTranslator.Translate(new QueryModel(subject, conditions, new AggregateResult(kind, value, key, 64)), ["malloc", "free"]);
}
