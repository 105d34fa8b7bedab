using Uprobes.Script.Output;
using static Uprobes.Script.Output.ScriptValue;

namespace Uprobes.Script.Tests.Output;

/// <summary>Values in both formats.</summary>
public sealed class ValueTests
{
    /// <summary>Value, text, JSON.</summary>
    public static TheoryData<ScriptValue, string, string> Values { get; } = new()
    {
        { None, "null", "null" },
        { ScriptValue.Boolean(true), "true", "true" },
        { ScriptValue.Boolean(false), "false", "false" },
        { Signed(0), "0", "0" },
        { Signed(5), "5", "5" },
        { Signed(-5), "-5", "-5" },
        { Signed(long.MinValue), "-9223372036854775808", "-9223372036854775808" },
        { Signed(long.MaxValue), "9223372036854775807", "\"9223372036854775807\"" },
        { Signed(1L << 53), "9007199254740992", "9007199254740992" },
        { Signed((1L << 53) + 1), "9007199254740993", "\"9007199254740993\"" },
        { Signed((1L << 53) + 2), "9007199254740994", "9007199254740994" },
        { Signed(-(1L << 53) - 1), "-9007199254740993", "\"-9007199254740993\"" },
        { Unsigned(ulong.MaxValue), "18446744073709551615", "\"18446744073709551615\"" },
        { Unsigned(1UL << 63), "9223372036854775808", "9223372036854775808" },
        { Integer(-1, 8, isSigned: true), "-1", "-1" },
        { Integer(-1, 8, isSigned: false), "255", "255" },
        { Integer(-1, 16, isSigned: true), "-1", "-1" },
        { Integer(-1, 16, isSigned: false), "65535", "65535" },
        { Integer(0x80000000, 32, isSigned: true), "-2147483648", "-2147483648" },
        { Integer(0x80000000, 32, isSigned: false), "2147483648", "2147483648" },
        { Integer(-1, 64, isSigned: false), "18446744073709551615", "\"18446744073709551615\"" },
        { String("abc"), "abc", "\"abc\"" },
        { String(""), "", "\"\"" },
        { String("a b \n d e"), "a b \n d e", "\"a b \\n d e\"" },
        { String("test \r \n \t \\ \" bar"), "test \r \n \t \\ \" bar", "\"test \\r \\n \\t \\\\ \\\" bar\"" },
        { String("\u0001\u001f\u001b"), "\u0001\u001f\u001b", "\"\\u0001\\u001f\\u001b\"" },
        { String("\u007f\u009b"), "\u007f\u009b", "\"\\u007f\\u009b\"" },
        { String("grüße 😀"), "grüße 😀", "\"grüße 😀\"" },
        { String([0x61, 0xc3, 0x28]), "a\ufffd(", "\"a\ufffd(\"" },
        { Literal("abc"), "abc", "\"abc\"" },
        { ScriptValue.String("xabcx"u8.ToArray(), 1, 3), "abc", "\"abc\"" },
        { Buffer("ok_key\0\0"u8.ToArray()), "ok_key\\x00\\x00", "[111,107,95,107,101,121,0,0]" },
        { Buffer([0xff, 0x80]), "\\xff\\x80", "[-1,-128]" },
        { Buffer([]), "", "[]" },
        { Buffer("xabx"u8.ToArray(), 1, 2), "ab", "[97,98]" },
        { Pointer(0x1f), "0x1f", "31" },
        { Pointer(0), "0x0", "0" },
        { Pointer(ulong.MaxValue), "0xffffffffffffffff", "\"18446744073709551615\"" },
        { ScriptValue.Array(Signed(1), Signed(2)), "[1,2]", "[1,2]" },
        { ScriptValue.Array(), "[]", "[]" },
        { ScriptValue.Array(ScriptValue.Array(Signed(5), Signed(6)), ScriptValue.Array(Signed(7), Signed(8))), "[[5,6],[7,8]]", "[[5,6],[7,8]]" },
        { Tuple(Signed(1), String("abc")), "(1, abc)", "[1,\"abc\"]" },
        { Tuple(Signed(1), Signed(2), String("string"), Tuple(Signed(4), Signed(5))), "(1, 2, string, (4, 5))", "[1,2,\"string\",[4,5]]" },
        { Tuple(ScriptValue.Boolean(true), ScriptValue.Boolean(false)), "(true, false)", "[true,false]" },
        { Tuple(Signed(0), Record(["m", "n"], [Signed(2), Signed(3)])), "(0, { .m = 2, .n = 3 })", "[0,{\"m\": 2, \"n\": 3}]" },
        { Record(["a", "b"], [Signed(1), Signed(2)]), "{ .a = 1, .b = 2 }", "{\"a\": 1, \"b\": 2}" },
        { Record(["m"], [None]), "{ .m = null }", "{\"m\": null}" },
        { Record([], []), "{}", "{}" },
        { Record(["y", "a"], [Record(["m"], [ScriptValue.Array(Signed(2))]), Record(["n"], [Signed(3)])]), "{ .y = { .m = [2] }, .a = { .n = 3 } }", "{\"y\": {\"m\": [2]}, \"a\": {\"n\": 3}}" },
        { ScriptValue.Enum("FOO", 333), "FOO", "333" },
        { ScriptValue.Enum(null, 7), "7", "7" },
        { UserSymbol("readline", 0x401000), "readline", "\"readline\"" },
        { UserSymbol(null, 1), "0x1", "\"0x1\"" },
        { Count(3), "3", "3" },
        { Sum(-3, isSigned: true), "-3", "-3" },
        { Sum(-1, isSigned: false), "18446744073709551615", "\"18446744073709551615\"" },
        { Minimum(-5, isSigned: true), "-5", "-5" },
        { Maximum(7, isSigned: false), "7", "7" },
        { Average(new ScriptStats(2, 9, true)), "4", "4" },
        { Average(new ScriptStats(2, -9, true)), "-4", "-4" },
        { Average(new ScriptStats(2, -2, false)), "9223372036854775807", "\"9223372036854775807\"" },
        { Average(new ScriptStats(0, 0, true)), "0", "0" },
        { Stats(new ScriptStats(3, 6, true)), "{ .count = 3, .average = 2, .total = 6 }", "{\"count\": 3, \"average\": 2, \"total\": 6}" },
        { Stats(new ScriptStats(2, -5, true)), "{ .count = 2, .average = -2, .total = -5 }", "{\"count\": 2, \"average\": -2, \"total\": -5}" },
        { Stats(new ScriptStats(0, 0, true)), "{ .count = 0, .average = 0, .total = 0 }", "{\"count\": 0, \"average\": 0, \"total\": 0}" },
        { Histogram(LogHistogram.Of(0, 2)), "[2, 4)                 1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n", "[{\"min\": 2, \"max\": 3, \"count\": 1}]" },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void A_value_prints_in_both_formats(ScriptValue value, string text, string json)
    {
        Assert.Equal(text, Printed.Text(value));
        Assert.Equal(json, Printed.Json(value));
    }

    [Theory]
    [MemberData(nameof(Values))]
    public void A_value_equals_itself_and_has_one_hash(ScriptValue value, string text, string json)
    {
        _ = text.Length + json.Length;
        Assert.True(value.Equals((object)value));
        Assert.Equal(0, value.CompareTo(value));
        Assert.Equal(value.GetHashCode(), value.GetHashCode());
    }

    [Fact]
    public void Strings_inside_other_values_are_escaped_on_a_terminal() =>
        Assert.Equal(
            "([\\x1b], { .f = \\x1b })",
            Printed.Text(Tuple(ScriptValue.Array(String("\u001b")), Record(["f"], [String("\u001b")])), isTerminal: true));

    [Fact]
    public void Names_of_fields_and_enumerators_come_from_the_target_too() =>
        Assert.Equal("{ .a\\x1b = \\n }", Printed.Text(Record(["a\u001b"], [ScriptValue.Enum("\n", 1)]), isTerminal: true));
}
