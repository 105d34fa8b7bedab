using Uprobes.Channels;
using Uprobes.Programs;
using static Uprobes.Tests.Programs.ProgramRun;

namespace Uprobes.Tests.Programs;

/// <summary>What is refused, and how it is told.</summary>
public sealed class CheckerTests
{
    private static readonly Statement Count = new Aggregate(0, [], null);

    [Fact]
    public void A_good_program_has_no_problems() => Assert.Empty(ProgramChecker.Check(Group(Count)));

    [Fact]
    public void A_problem_names_its_node()
    {
        ProgramGroup group = Group(Count, new If(I32(1), [new Emit(0, [new Binary(BinaryOperator.Add, new Argument(0), I32(2))])], []));
        Assert.Equal(["entry[1].then[0].field[0].right `2i32`: is i32, not u64"], ProgramChecker.Check(group).Select(p => p.ToString()));
    }

    public static TheoryData<string> Refusals => [.. Refused.Keys];

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_wrong_program_is_refused(string problem)
    {
        IReadOnlyList<ProgramProblem> problems = ProgramChecker.Check(Refused[problem]);
        Assert.Contains(problem, problems.Select(p => p.What));
    }

    [Fact]
    public void Values_that_maps_hold_from_the_start_are_good_ones()
    {
        MapDefinition values = new("values", AggregateKind.Value, DataType.U8, [DataType.I32, DataType.Text(8)], 2);
        MapKey one = Key(1, 0), minus = Key(ulong.MaxValue, 3, 0x636261);
        Assert.Empty(Check((0, one, 255), (0, minus, 0)));
        Assert.Equal(["there is no map @2"], Check((2, one, 1)));
        Assert.Equal(["there is no map @-1"], Check((-1, one, 1)));
        Assert.Equal(["map counts has no keys that hold values"], Check((1, one, 1)));
        Assert.Equal(["256 is no u8"], Check((0, one, 256)));
        Assert.Equal(["the key has a value already"], Check((0, one, 1), (0, Key(1, 0), 2)));
        Assert.Equal(["map values has no room for more than 2 keys"], Check((0, Key(1, 0), 1), (0, Key(2, 0), 1), (0, Key(3, 0), 1), (0, Key(4, 0), 1)));
        foreach (MapKey wrong in (MapKey[])[default, new(0, values.Keys, [1, 0, 0]), new(MapKey.NoProbe, [DataType.I32], [1]), new(MapKey.NoProbe, values.Keys, [1, 0]),
            new(MapKey.NoProbe, values.Keys, [1, 0, 0, 0]), Key(1ul << 31, 0), Key(1, 2, 0x636261), Key(1, 9)])
            Assert.Equal(["the key is not one of map values"], Check((0, wrong, 1)));

        MapKey Key(ulong number, ulong length, ulong text = 0) => new(MapKey.NoProbe, values.Keys, [number, length, text]);
        IEnumerable<string> Check(params (int, MapKey, long)[] presets) => ProgramChecker.Check(new ProgramGroup
        {
            Entry = new([], []), Maps = [values, new("counts", AggregateKind.Count, DataType.U64, [DataType.I32, DataType.Text(8)], 2)], Presets = presets,
        }).Select(p => p.What);
    }

    [Fact]
    public void Two_ways_may_follow_a_call_each()
    {
        FollowCall follow = new([]);
        Assert.Empty(ProgramChecker.Check(Group(new If(I32(1), [follow], [follow]))));
        Assert.Empty(ProgramChecker.Check(Group(new If(I32(1), [follow, new Stop()], []), follow)));
    }

    [Fact]
    public void A_program_that_shares_its_parts_without_end_is_refused_soon()
    {
        Expression expression = U64(1);
        for (int i = 0; i < 30; i++)
            expression = new Binary(BinaryOperator.Add, expression, expression);

        List<Statement> body = [Count];
        for (int i = 0; i < 100; i++)
            body = [new If(expression, body, body)];

        Assert.Contains(ProgramChecker.Check(Group([.. body])), p => p.What.StartsWith("more than 4096", StringComparison.Ordinal));
        Assert.NotEmpty(ProgramPrinter.Print(Group([.. body])));
    }

    [Fact]
    public void A_program_of_any_depth_is_refused_without_being_walked_to_its_end()
    {
        Expression expression = U64(1);
        for (int i = 0; i < 1_000_000; i++)
            expression = new Unary(UnaryOperator.Not, expression);

        Assert.Contains(ProgramChecker.Check(Group(new If(expression, [], []))), p => p.What.Contains("32 deep", StringComparison.Ordinal));
        Assert.Contains("...", ProgramPrinter.Print(Group(new If(expression, [], []))), StringComparison.Ordinal);
    }

    [Fact]
    public void The_deepest_expression_that_is_good_runs()
    {
        Expression expression = I64(1);
        for (int i = 1; i < ProgramLimits.ExpressionDepth; i++)
            expression = new Binary(BinaryOperator.Add, I64(1), expression);

        Assert.Equal(ProgramLimits.ExpressionDepth, Value(expression));
    }

    private static Dictionary<string, ProgramGroup> Refused => new(StringComparer.Ordinal)
    {
        ["only return programs see the return value"] = Group(new Emit(0, [new ReturnValue()])),
        ["only return programs see the duration"] = Group(new If(new Builtin(BuiltinKind.Duration), [], [])),
        ["only return programs see what the entry program kept"] = Group(new Emit(0, [new EntryWord(0)])),
        ["only entry programs see arguments"] = Returning(new Emit(0, [new Argument(0)])),
        ["not every followed call has such a word"] = Group(new If(I32(1), [new FollowCall([I32(1), I32(2)])], [new FollowCall([I32(1)])])) with
        {
            Return = new([new Emit(0, [new EntryWord(1)])], []),
        },
        ["follows a call in a return program"] = Returning(new FollowCall([])),
        ["follows a call, but the group has no return program"] = Group(new FollowCall([])) with { Return = null },
        ["there is no event !7"] = Group() with { OfProbes = [new(new([], []), null), new(new([], []), new([new Emit(7, [])], []))] },
        ["follows a call in a loop"] = Group(new Repeat(0, 2, [new FollowCall([])])),
        ["a call can be followed twice in one run"] = Group(new If(I32(1), [new FollowCall([])], []), new FollowCall([])),
        ["7 words, more than 6"] = Group(new FollowCall([.. Enumerable.Repeat(I32(1), 7)])),
        ["is a text, not an integer"] = Group(new FollowCall([new LoadText(U64(0), 8)])),
        ["there is no local $2"] = Group(new SetLocal(2, I32(1))),
        ["there is no such local"] = Group(new If(new LocalValue(-1, DataType.I32), [], [])),
        ["the local has another type"] = Group(new If(new LocalValue(0, DataType.U32), [], [])),
        ["is i32, not u8"] = Group(new SetLocal(1, I32(1))),
        ["more than 64 locals"] = Group() with { Entry = new([], [.. Enumerable.Repeat(DataType.U8, ProgramLimits.Locals + 1)]) },
        ["a local is text8, not an integer"] = Group() with { Entry = new([], [DataType.Text(8)]) },
        ["0 times, not 1 to 1000"] = Group(new Repeat(0, 0, [])),
        ["1001 times, not 1 to 1000"] = Group(new Repeat(0, 1001, [])),
        ["10100 rounds with the loops around it, more than 10000"] = Group(new Repeat(0, 101, [new Repeat(1, 100, [])])),
        ["its counter, u8, cannot hold 256"] = Group(new Repeat(1, 256, [])),
        ["sets $0, which a loop around it counts with"] = Group(new Repeat(0, 2, [new SetLocal(0, I32(0))])),
        ["its powers of two cannot be divided 6 times"] = Group() with { Maps = [new("m", AggregateKind.LogHistogram, DataType.U64, [], 1, Bits: 6)] },
        ["the map is not one that is read"] = Group(new If(new MapCell(1, [U64(1)], 0), [], [])),
        ["its cells have no such word"] = Group(new If(new MapCell(0, [U64(1)], 1), [], [])) with { Maps = [new("m", AggregateKind.Count, DataType.U64, [DataType.U64], 16) { IsRead = true }] },
        ["what it holds cannot be read by programs"] = Group() with { Maps = [new("m", AggregateKind.Count, DataType.U64, [], 1) { IsRead = true }] },
        ["leaves a loop where there is none"] = Group(new If(I32(1), [new Break()], [])),
        ["repeats within a loop whose rounds are counted"] = Group(new Loop([new Repeat(0, 2, [])], [])),
        ["does more than to count and to tell that there are no more rounds"] = Group(new Loop([new Stop()], [new Loop([], [])])),
        ["counts with $0, as a loop around it does"] = Group(new Repeat(0, 2, [new Repeat(0, 2, [])])),
        ["there is no map @3"] = Group(new Aggregate(3, [], null)),
        ["counts, but has a value"] = Group(new Aggregate(0, [], I32(1))),
        ["has no value"] = Group(new Aggregate(1, [U64(1)], null)),
        ["0 values where 1 belong"] = Group(new Aggregate(1, [], I64(1))),
        ["is u64, not i64"] = Group(new Aggregate(1, [U64(1)], U64(1))),
        ["is text16, not text8"] = Group(new Aggregate(2, [new LoadText(U64(0), 16)], U64(1))),
        ["map count holds a Count, not values that can be read and deleted"] = Group(new DeleteKey(0, [])),
        ["the map's values have another type"] = Group(new If(new MapValue(1, [U64(1)], DataType.U64), [], [])),
        ["there is no event !1"] = Group(new Emit(1, [])),
        ["there is no such register"] = Group(new Emit(0, [new RegisterValue(16)])),
        ["there is no such argument"] = Group(new Emit(0, [new Argument(-1)])),
        ["there is no such value"] = Group(new If(new Builtin((BuiltinKind)99), [], [])),
        ["there is no such operator"] = Group(new If(new Unary((UnaryOperator)99, I32(1)), [], [])),
        ["does not fit its type"] = Group(new If(new Constant(256, DataType.U8), [], [])),
        ["has a zero in it"] = Group(new Aggregate(2, [new TextConstant("a\0"u8.ToArray(), 8)], U64(1))),
        ["compares a text with an integer"] = Group(new If(new Binary(BinaryOperator.Equal, new LoadText(U64(0), 8), U64(1)), [], [])),
        ["is not an integer of 8, 16, 32 or 64 bits"] = Group(new If(new Load(U64(0), new(24, false, 0)), [], [])),
        ["its capacity is not a multiple of 8 up to 16384"] = Group(new If(new Binary(BinaryOperator.Equal, new LoadText(U64(0), 16392), new LoadText(U64(0), 8)), [], [])),
        ["its locals and intermediate values take 5176 bytes, more than 3712"] = Group(new If(Nested(), [], [])),
        ["its capacity of 3 is not a power of two up to 16777216"] = Group() with { Maps = [new("m", AggregateKind.Count, DataType.U8, [DataType.U8], 3)] },
        ["it has no key, but a capacity other than 1"] = Group() with { Maps = [new("m", AggregateKind.Count, DataType.U8, [], 2)] },
        ["its key is larger than 2048 bytes"] = Group() with { Maps = [new("m", AggregateKind.Count, DataType.U8, [DataType.Text(2048)], 2)] },
        ["its values are text8, not integers"] = Group() with { Maps = [new("m", AggregateKind.Value, DataType.Text(8), [], 1)] },
        ["its steps are not 1 to 1000 of one width"] = Steps(new(long.MinValue, long.MaxValue, 1)),
        ["its steps begin below 0, its values do not"] = Steps(new(-1, 9, 1)),
        ["its records are larger than 32768 bytes"] = Group() with { Events = [new("e", [.. Enumerable.Repeat(DataType.Text(16384), 2)])] },
        ["its records are larger than the ring"] = Group() with { RingBytes = 4096, Events = [new("e", [DataType.Text(4096)])] },
        ["a field has no such type"] = Group() with { Events = [new("e", [DataType.Text(12)])] },
        ["3 is not a power of two up to 65536"] = Group() with { ThreadSlots = 3 },
        ["2048 is not a power of two from 4096 to 1073741824"] = Group() with { RingBytes = 2048 },
    };

    private static ProgramGroup Returning(Statement statement) => Group() with { Return = new([statement], []) };

    private static ProgramGroup Steps(LinearSteps steps) =>
        Group() with { Maps = [new("m", AggregateKind.LinearHistogram, DataType.U8, [], 1, steps)] };

    /// <summary>Four texts that are wanted at a time: 2 x 8 of locals, 1,288 and 1,288, the 8 of an addition's left side, 1,288 and 1,288.</summary>
    private static Binary Nested()
    {
        LoadText text = new(U64(0), 1280);
        Binary inner = new(BinaryOperator.Equal, text, text);
        return new(BinaryOperator.Equal, text, new LoadText(new Binary(BinaryOperator.Add, U64(1), new Cast(inner, DataType.U64)), 1280));
    }
}
