using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Programs.X64;
using static Uprobes.Tests.Programs.ProgramRun;

namespace Uprobes.Tests.Programs.X64;

/// <summary>Programs written out, as machine code and interpreted.</summary>
[Collection("synthetic memory")]
public sealed class SmallProgramTests
{
    private static readonly MapDefinition Count = new("count", AggregateKind.Count, DataType.U64, [], 1);

    public static TheoryData<string> Kinds => [.. Enum.GetNames<AggregateKind>()];

    [Fact]
    public void A_count_is_one_increment()
    {
        ProgramGroup group = new() { Entry = new([new Aggregate(0, [], null)], []), Maps = [Count] };
        Compare(group);
    }

    [Fact]
    public void A_program_that_does_nothing_is_no_code()
    {
        using Machine machine = new(new() { Entry = new([], []) }, 1);
        Assert.Empty(ProgramCompiler.CompileEntry(new() { Entry = new([], []) }, machine.CodeEnvironment).Code);
    }

    [Fact]
    public void The_same_program_gives_the_same_code()
    {
        ProgramGroup group = new() { Entry = new([new Aggregate(0, [], null)], []), Maps = [Count] };
        using Machine machine = new(group, 1);
        Assert.Equal(
            ProgramCompiler.CompileEntry(group, machine.CodeEnvironment).Code,
            ProgramCompiler.CompileEntry(group, machine.CodeEnvironment).Code);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Values_of_every_type_go_into_cells_of_every_kind(string name)
    {
        AggregateKind kind = Enum.Parse<AggregateKind>(name);
        foreach (DataType type in (ReadOnlySpan<DataType>)[DataType.U64, DataType.I64, DataType.U32, DataType.I32, DataType.U16, DataType.I16, DataType.U8, DataType.I8])
        {
            foreach (LinearSteps steps in (ReadOnlySpan<LinearSteps>)[new(0, 100, 10), new(type.IsSigned ? -64 : 64, 128, 64), new(1, 4, 1)])
            {
                Compare(new()
                {
                    Entry = new([new Aggregate(0, [], kind == AggregateKind.Count ? null : new Cast(new Argument(0), type))], []),
                    Maps = [new("m", kind, type, [], 1, steps)],
                });
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Values_of_every_type_go_into_parts_of_powers_of_two(int bits)
    {
        foreach (DataType type in (ReadOnlySpan<DataType>)[DataType.U64, DataType.I64, DataType.U32, DataType.I32, DataType.U8, DataType.I8])
        {
            foreach (long value in (ReadOnlySpan<long>)[0, 1, 2, 3, 7, 8, 15, 31, 32, 33, 63, 64, 100, 127, 1023, 1024, int.MaxValue, long.MaxValue, long.MinValue, -1])
            {
                Compare(new()
                {
                    Entry = new([new Aggregate(0, [], new Cast(new Binary(BinaryOperator.Add, new Argument(0), U64((ulong)value)), type)), new Aggregate(1, [I32(7)], new Constant(type.Wrap(value), type))], []),
                    Maps = [new("m", AggregateKind.LogHistogram, type, [], 1, Bits: bits), new("k", AggregateKind.LogHistogram, type, [DataType.I32], 16, Bits: bits)],
                }, 2);
            }
        }
    }

    [Fact]
    public void A_filter_comes_before_the_lookup()
    {
        Compare(new()
        {
            Entry = new([new If(new Binary(BinaryOperator.Greater, new Argument(0), U64(64)), [new Aggregate(0, [], null)], [])], []),
            Maps = [Count],
        });
    }

    [Fact]
    public void An_event_has_registers_and_what_is_always_there()
    {
        Expression[] fields =
        [
            .. Enumerable.Range(0, 16).Where(r => r != 4).Select(r => new RegisterValue(r)),
            // The processor is whichever it is: tests of real threads know theirs. Nobody knows random numbers.
            .. Enum.GetValues<BuiltinKind>().Where(k => k is not (BuiltinKind.Duration or BuiltinKind.Processor or BuiltinKind.Random)).Select(k => new Builtin(k)),
        ];
        Compare(Event(fields));
        Compare(Event(new Argument(0), new Argument(1), new Argument(2)));
        Compare(Event());
    }

    [Fact]
    public void Texts_are_chosen_cut_searched_compared_and_matched()
    {
        DataType type = DataType.Text(64);
        Expression text = new LoadText(new Argument(0), 64), other = new LoadText(new Argument(1), 64), first = new TextConstant("a"u8.ToArray(), 64);
        Expression chosen = new Conditional(new Argument(2), text, first), cut = new TextCut(new LoadText(new Argument(0), 16), new Argument(3), 64);
        Compare(Event(chosen, cut, new TextLength(chosen), new TextLength(cut), new TextFind(text, other), new TextFind(chosen, cut), new TextDifference(text, cut), new TextDifference(first, chosen)));
        Compare(Event([.. ((string[])["*", "", "a*", "*a", "*a*b*", "?*", "[a-m]*[!z]", "a"]).Select(pattern => new TextMatch(chosen, System.Text.Encoding.ASCII.GetBytes(pattern)))]));
        Compare(new()
        {
            Entry = new([new If(new Binary(BinaryOperator.Equal, chosen, cut), [new Aggregate(0, [cut], null)], [new Aggregate(0, [chosen], null)])], []),
            Maps = [new("texts", AggregateKind.Count, DataType.U64, [type], 128)],
        });
    }

    [Fact]
    public void Both_branches_of_a_choice_and_what_is_behind_are_done()
    {
        Statement count = new Aggregate(0, [], null);
        foreach (bool isEarly in (bool[])[false, true])
        {
            Compare(new()
            {
                Entry = new(
                [
                    new SetLocal(0, new Conditional(new Argument(1), new Argument(2), U64(7))),
                    new If(new Argument(0), isEarly ? [count, new Stop()] : [count], [new Emit(0, [new LocalValue(0, DataType.U64)])]),
                    new Repeat(1, 3, [new Aggregate(1, [], new Cast(new LocalValue(1, DataType.U8), DataType.U64))]),
                ], [DataType.U64, DataType.U8]),
                Maps = [Count, new("sum", AggregateKind.Statistics, DataType.U64, [], 1)],
                Events = [new("e", [DataType.U64])],
            });
        }
    }

    [Fact]
    public void A_run_ends_when_its_rounds_are_used_up()
    {
        LocalValue count = new(0, DataType.U64);
        Statement next = new SetLocal(0, new Binary(BinaryOperator.Add, count, U64(1)));
        foreach (int few in (int[])[0, 1, 1000, ProgramLimits.Rounds - 1, ProgramLimits.Rounds])
        {
            Statement leave = new If(new Binary(BinaryOperator.Equal, count, U64((ulong)few)), [new Break()], []);
            Compare(new()
            {
                Entry = new(
                [
                    new Loop([leave, next], [new Emit(1, [])]),
                    new Loop([next, new If(new Argument(0), [], [new Continue()]), new Aggregate(0, [], null), new If(new Argument(1), [new Break()], [])],
                        [new Emit(0, [count]), new Aggregate(0, [], null)]),
                    new Emit(0, [count]),
                ], [DataType.U64]),
                Maps = [Count],
                Events = [new("e", [DataType.U64]), new("spent", [])],
            });
        }
    }

    private static ProgramGroup Event(params Expression[] fields) => new()
    {
        Entry = new([new Emit(0, fields)], []), Events = [new("e", [.. fields.Select(f => f.Type)])],
    };

    private static void Compare(ProgramGroup group, int hits = 40)
    {
        Assert.Empty(ProgramChecker.Check(group));
        using BackEndComparison comparison = new();
        Random random = new(1);
        comparison.Compare(group, Enumerable.Range(0, hits).Select(_ =>
        {
            ChoiceSource choices = new([.. Enumerable.Range(0, 60).Select(_ => (ushort)random.Next(65536))]);
            SyntheticContext hit = SyntheticContext.Choose(choices, new(choices), ProgramCase.Probes);
            return (hit, hit);
        }));
    }
}
