using CsCheck;
using Uprobes.Script.Output;
using static Uprobes.Script.Output.ScriptValue;

namespace Uprobes.Script.Tests.Output;

/// <summary>Equality and order of values.</summary>
public sealed class KeyOrderTests
{
    private static readonly Gen<ScriptValue> Scalar = Gen.OneOf(
        Gen.Long[-3, 3].Select(Signed),
        Gen.Select(Gen.Long, Gen.Int[3, 6].Select(power => 1 << power), Gen.Bool).Select(Integer),
        Gen.String[Gen.Char["abc"], 0, 3].Select(String),
        Gen.Bool.Select(ScriptValue.Boolean),
        Gen.ULong[0, 3].Select(Pointer),
        Gen.Byte.Array[0, 3].Select(Buffer));

    private static readonly Gen<ScriptValue> Any = Gen.OneOf(Scalar, Scalar.Array[0, 3].Select(Tuple), Scalar.Array[0, 3].Select(ScriptValue.Array));

    /// <summary>Pairs of which the first comes first.</summary>
    public static TheoryData<ScriptValue, ScriptValue> Ordered { get; } = new()
    {
        { Signed(-1), Signed(0) },
        { Signed(long.MinValue), Signed(long.MaxValue) },
        { Unsigned(ulong.MaxValue), Unsigned(0) },
        { Integer(-1, 32, isSigned: false), Integer(0, 32, isSigned: false) },
        { String("a"), String("b") },
        { String("a"), String("aa") },
        { String("Z"), String("a") },
        { String("z"), String("ä") },
        { String(""), String("a") },
        { Tuple(Signed(1), String("b")), Tuple(Signed(2), String("a")) },
        { Tuple(Signed(1), String("a")), Tuple(Signed(1), String("b")) },
        { ScriptValue.Array(Signed(1)), ScriptValue.Array(Signed(1), Signed(-5)) },
        { Record(["a"], [Signed(1)]), Record(["a"], [Signed(2)]) },
        { Buffer([1]), Buffer([0x80]) },
        { Pointer(1), Pointer(ulong.MaxValue) },
        { ScriptValue.Boolean(false), ScriptValue.Boolean(true) },
        { ScriptValue.Enum("Z", 1), ScriptValue.Enum("A", 2) },
        { UserSymbol("z", 1), UserSymbol("a", 2) },
    };

    [Theory]
    [MemberData(nameof(Ordered))]
    public void Keys_are_ordered(ScriptValue first, ScriptValue second)
    {
        Assert.True(first < second);
        Assert.True(second > first);
        Assert.True(first <= second && second >= first);
        Assert.True(first != second);
    }

    [Fact]
    public void The_order_is_total_and_agrees_with_equality() =>
        Gen.Select(Any, Any, Any).Sample((a, b, c) =>
        {
            Assert.Equal(a.CompareTo(b), -b.CompareTo(a), SignsOnly);
            Assert.Equal(a == b, a.CompareTo(b) == 0);
            if (a == b)
                Assert.Equal(a.GetHashCode(), b.GetHashCode());
            if (a <= b && b <= c)
                Assert.True(a <= c);
        }, iter: 20_000);

    [Fact]
    public void A_string_equals_one_from_another_array_or_origin()
    {
        Assert.Equal(String("abc"), ScriptValue.String("xabcx"u8.ToArray(), 1, 3));
        Assert.Equal(String("abc"), Literal("abc"));
        Assert.Equal(String("abc").GetHashCode(), Literal("abc").GetHashCode());
        Assert.NotEqual(String("abc"), Buffer("abc"u8.ToArray()));
    }

    [Fact]
    public void Stacks_are_equal_when_their_frames_are()
    {
        ScriptValue first = Stack(new ScriptStack(StackMode.Bpftrace, [new ScriptFrame(1) { Function = "a" }]));
        ScriptValue same = Stack(new ScriptStack(StackMode.Bpftrace, [new ScriptFrame(1) { Function = "a" }]));
        ScriptValue deeper = Stack(new ScriptStack(StackMode.Bpftrace, [new ScriptFrame(1) { Function = "a" }, new ScriptFrame(2)]));
        Assert.Equal(first, same);
        Assert.Equal(first.GetHashCode(), same.GetHashCode());
        Assert.NotEqual(first, deeper);
        Assert.True(first < deeper);
    }

    [Theory]
    [InlineData(4, 0)]
    [InlineData(0, 4)]
    [InlineData(-1, 1)]
    [InlineData(2, 2)]
    public void A_part_of_an_array_lies_inside_it(int start, int length) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ScriptValue.String("abc"u8.ToArray(), start, length));

    [Fact]
    public void An_integer_has_one_of_four_widths() => Assert.Throws<ArgumentOutOfRangeException>(() => Integer(1, 24, isSigned: true));

    [Fact]
    public void A_record_has_a_value_a_name() => Assert.Throws<ArgumentException>(() => Record(["a"], []));

    private static bool SignsOnly(int a, int b) => Math.Sign(a) == Math.Sign(b);
}
