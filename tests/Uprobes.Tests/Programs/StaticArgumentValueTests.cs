using CsCheck;
using Uprobes.Channels;
using Uprobes.Images;
using Uprobes.Images.StaticProbes;
using Uprobes.Programs;

namespace Uprobes.Tests.Programs;

/// <summary>Arguments of static probes: what programs find and what is read of a stopped thread is the same.</summary>
public sealed class StaticArgumentValueTests
{
    private const ulong Moved = 0x10_0000;

    private static readonly StaticProbeNote Probe = new("app", "probe", new LinkAddress(0x1234), new FileOffset(0x234), null, []);

    private static readonly Gen<int> Sizes = Gen.Int[0, 3].Select(power => 1 << power);

    private static readonly Gen<StaticOperand> Operands = Gen.OneOf(
        Gen.Long.Select(value => (StaticOperand)new StaticConstant(value)),
        Gen.Select(Gen.Int[0, 15], Sizes).Select((number, bytes) => (StaticOperand)new StaticRegister(number, bytes)),
        Gen.Int[0, 3].Select(number => (StaticOperand)new StaticRegister(number, 1, IsHigh: true)),
        Gen.Select(Gen.Bool, Gen.Int[-1, 15], Gen.Int[-1, 15], Sizes, Gen.Long[-100, 100]).Select((isNamed, @base, index, scale, displacement) =>
            (StaticOperand)new StaticMemory(
                isNamed || (@base < 0 && index < 0) ? new LinkAddress(0x5000) : null, @base < 0 ? null : @base, index < 0 ? null : index, scale, displacement)));

    [Fact]
    public void A_program_finds_what_is_read_of_a_stopped_thread() => Check.Sample(
        Gen.Select(Operands, Sizes, Gen.Bool, Gen.ULong.Array[16]), (operand, size, isSigned, registers) =>
        {
            StaticArgument argument = new("x", size, isSigned) { Operand = operand };
            State state = new(registers);
            Assert.True(StaticArgumentValue.TryRead(Probe, argument, state, out long read));
            Assert.Equal(read, Evaluate(StaticArgumentValue.Expression(Probe, argument), state));
            Assert.Equal(DataType.U64, StaticArgumentValue.Expression(Probe, argument).Type);
        });

    [Theory]
    [InlineData(8, false, 0x1122334455667788, 0x1122334455667788)]
    [InlineData(4, false, -1, 0xffffffff)]
    [InlineData(4, true, 0x80000000, -0x80000000L)]
    [InlineData(2, true, 0x18000, -0x8000)]
    [InlineData(1, false, 0x1ff, 0xff)]
    [InlineData(1, true, 0x80, -0x80)]
    public void Values_are_cut_to_their_size_and_extended_by_their_sign(int size, bool isSigned, long held, long expected)
    {
        foreach (StaticOperand operand in (StaticOperand[])[new StaticConstant(held), new StaticRegister(3, 8)])
        {
            StaticArgument argument = new("x", size, isSigned) { Operand = operand };
            Assert.True(StaticArgumentValue.TryRead(Probe, argument, new State(Enumerable.Repeat((ulong)held, 16).ToArray()), out long value));
            Assert.Equal(expected, value);
        }
    }

    [Fact]
    public void What_memory_does_not_hold_is_not_read_and_0()
    {
        StaticArgument argument = new("x", 4, true) { Operand = new StaticMemory(null, 3, null, 1, 0) };
        Assert.False(StaticArgumentValue.TryRead(Probe, argument, new State(new ulong[16]) { IsReadable = false }, out long value));
        Assert.Equal(0, value);
        Assert.False(StaticArgumentValue.TryRead(Probe, argument with { Operand = null }, new State(new ulong[16]), out _));
    }

    [Fact]
    public void Arguments_are_replaced_wherever_a_program_has_them()
    {
        Expression argument = new Argument(1), other = new RegisterValue(3);
        Expression[] all =
        [
            new Load(argument, DataType.U64), new LoadText(argument, 16), new LoadBytes(argument, argument, 16), new Unary(UnaryOperator.Not, argument),
            new Binary(BinaryOperator.Add, argument, argument), new Cast(argument, DataType.I8), new Conditional(argument, argument, argument),
            new MapValue(0, [argument], DataType.U64), new MapContains(0, [argument]), new LocalValue(0, DataType.U64), new ThreadName(), new Builtin(BuiltinKind.ThreadId),
            new TextLength(new LoadText(argument, 8)), new TextFind(new LoadText(argument, 8), new LoadText(argument, 16)), new TextDifference(new LoadText(argument, 8), new LoadText(argument, 8)),
            new TextMatch(new LoadText(argument, 8), new byte[] { 42 }), new TextCut(new LoadText(argument, 8), argument, 16),
        ];
        Statement[] body =
        [
            new SetLocal(0, argument), new If(argument, [new Stop()], [new Emit(0, all)]), new Repeat(1, 2, [new DeleteKey(0, [argument])]),
            new Uprobes.Programs.Aggregate(0, [argument], argument), new Uprobes.Programs.Aggregate(0, [], null), new FollowCall([argument]),
        ];
        ProbePrograms replaced = new ExpressionSubstitution(expression => expression is Argument { Index: 1 } ? other : null)
            .In(new ProbePrograms(new ProbeProgram(body, [DataType.U64]), new ProbeProgram(body, [])));
        string text = Print(replaced.Entry) + Print(replaced.Return!);
        Assert.DoesNotContain("arg1", text, StringComparison.Ordinal);
        Assert.Equal(Print(new ProbeProgram(body, [])).Replace("arg1", "rbx", StringComparison.Ordinal), Print(replaced.Return!));
    }

    private static string Print(ProbeProgram program) => ProgramPrinter.Print(program);

    private static long Evaluate(Expression expression, State state) => expression switch
    {
        Constant constant => constant.Value,
        RegisterValue register => (long)state.Register(register.Number),
        Builtin { Kind: BuiltinKind.SiteAddress } => (long)state.SiteAddress,
        Cast cast => cast.Type.Wrap(Evaluate(cast.Operand, state)),
        Binary { Operator: BinaryOperator.ShiftRight } shift => (long)((ulong)Evaluate(shift.Left, state) >> (int)Evaluate(shift.Right, state)),
        Binary { Operator: BinaryOperator.Add } sum => Evaluate(sum.Left, state) + Evaluate(sum.Right, state),
        Binary { Operator: BinaryOperator.Multiply } product => Evaluate(product.Left, state) * Evaluate(product.Right, state),
        Load load => load.Type.Wrap(State.WordAt((ulong)Evaluate(load.Address, state))),
        _ => throw new ArgumentException(expression.ToString(), nameof(expression)),
    };

    /// <summary>A thread whose memory is made of its addresses.</summary>
    private sealed record State(ulong[] Registers) : ISiteState
    {
        internal bool IsReadable { get; init; } = true;

        public ulong SiteAddress => Probe.Address.Value + Moved;

        public ulong Register(int number) => Registers[number];

        public int TryRead(ulong address, Span<byte> destination)
        {
            for (int i = 0; i < destination.Length; i++)
                destination[i] = ByteAt(address + (ulong)i);
            return IsReadable ? destination.Length : 0;
        }

        internal static long WordAt(ulong address)
        {
            ulong word = 0;
            for (int i = 7; i >= 0; i--)
                word = (word << 8) | ByteAt(address + (ulong)i);
            return (long)word;
        }

        private static byte ByteAt(ulong address) => (byte)((address * 0x9E3779B97F4A7C15) >> 56);
    }
}
