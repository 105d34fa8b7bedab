using Uprobes.Script.Output;
using static Uprobes.Script.Output.ScriptValue;
using static Uprobes.Script.Tests.Output.Printed;

namespace Uprobes.Script.Tests.Output;

/// <summary>Maps in both formats: order, top, divisor, keys.</summary>
public sealed class MapTests
{
    private static readonly ScriptMap Averages = Map("@", (String("a"), Avg(10)), (String("d"), Avg(40)), (String("b"), Avg(20)), (String("c"), Avg(30)));

    private static readonly ScriptMap Histograms = Map(
        "@", (Signed(3), Histogram(LogHistogram.Of(0, 30, 30, 30))), (Signed(1), Histogram(LogHistogram.Of(0, 10))), (Signed(2), Histogram(LogHistogram.Of(0, 20, 20))));

    /// <summary>Map, top, divisor, text, JSON after <c>"type": "</c>.</summary>
    public static TheoryData<ScriptMap, int, int, string, string> Maps { get; } = new()
    {
        { ScriptMap.Scalar("@scalar", Signed(5)), 0, 1, "@scalar: 5\n", "map\", \"data\": {\"@scalar\": 5}}" },
        { ScriptMap.Scalar("@", Signed(-7)), 0, 2, "@: -3\n", "map\", \"data\": {\"@\": -3}}" },
        { ScriptMap.Scalar("@e", String("")), 0, 1, "@e: \n", "map\", \"data\": {\"@e\": \"\"}}" },
        { ScriptMap.Scalar("@b", Tuple(Signed(1), String("x"), Tuple(Signed(2), Signed(3)))), 0, 1, "@b: (1, x, (2, 3))\n", "map\", \"data\": {\"@b\": [1,\"x\",[2,3]]}}" },
        { ScriptMap.EmptyScalar("@x", Signed(0)), 0, 1, "@x: 0\n", "map\", \"data\": {\"@x\": 0}}" },
        { ScriptMap.EmptyScalar("@x", Count(0)), 0, 1, "@x: 0\n", "map\", \"data\": {\"@x\": 0}}" },
        { ScriptMap.EmptyScalar("@x", Avg(0)), 0, 1, "@x: 0\n", "stats\", \"data\": {\"@x\": 0}}" },
        { ScriptMap.EmptyScalar("@x", Histogram(LogHistogram.Of(0))), 0, 1, "@x:\n\n", "hist\", \"data\": {\"@x\": []}}" },
        { ScriptMap.EmptyScalar("@x", TimeSeries(new ScriptTimeSeries([]))), 0, 1, "@x:\n<no data>\n", "tseries\", \"data\": {\"@x\": []}}" },
        { ScriptMap.Scalar("@s", Stats(new ScriptStats(2, 12, true))), 0, 1, "@s: { .count = 2, .average = 6, .total = 12 }\n", "stats\", \"data\": {\"@s\": {\"count\": 2, \"average\": 6, \"total\": 12}}}" },
        { ScriptMap.Scalar("@s", Stats(new ScriptStats(2, 12, true))), 0, 3, "@s: { .count = 2, .average = 2, .total = 12 }\n", "stats\", \"data\": {\"@s\": {\"count\": 2, \"average\": 2, \"total\": 12}}}" },
        { Map("@x"), 0, 1, "", "" },
        { Map("@x", (Signed(1), Signed(5))), 0, 1, "@x[1]: 5\n", "map\", \"data\": {\"@x\": {\"1\": 5}}}" },
        { Map("@", (Tuple(Signed(1), String("abc")), Signed(5))), 0, 1, "@[1, abc]: 5\n", "map\", \"data\": {\"@\": {\"1,abc\": 5}}}" },
        { Map("@complex", (Tuple(String("a b"), Signed(2)), Signed(5))), 0, 1, "@complex[a b, 2]: 5\n", "map\", \"data\": {\"@complex\": {\"ab,2\": 5}}}" },
        { Map("@", (Tuple(Signed(1), Tuple(Signed(2), Signed(3))), Signed(5))), 0, 1, "@[1, (2, 3)]: 5\n", "map\", \"data\": {\"@\": {\"1,(2,3)\": 5}}}" },
        { Map("@", (Buffer("ok_key\0"u8.ToArray()), Signed(1))), 0, 1, "@[ok_key\\x00]: 1\n", "map\", \"data\": {\"@\": {\"ok_key\\\\x00\": 1}}}" },
        { Map("@", (ScriptValue.Boolean(true), Signed(1))), 0, 1, "@[true]: 1\n", "map\", \"data\": {\"@\": {\"true\": 1}}}" },
        { Map("@", (ScriptValue.Enum("TWO", 2), Signed(1))), 0, 1, "@[TWO]: 1\n", "map\", \"data\": {\"@\": {\"TWO\": 1}}}" },
        { Map("@", (Pointer(31), Pointer(32))), 0, 1, "@[0x1f]: 0x20\n", "map\", \"data\": {\"@\": {\"0x1f\": 32}}}" },
        { Map("@", (ScriptValue.Array(Signed(1), Signed(2)), Signed(1))), 0, 1, "@[[1,2]]: 1\n", "map\", \"data\": {\"@\": {\"[1,2]\": 1}}}" },
        { Map("@", (Record(["a", "b"], [Signed(1), Signed(2)]), Signed(1))), 0, 1, "@[{ .a = 1, .b = 2 }]: 1\n", "map\", \"data\": {\"@\": {\"{.a=1,.b=2}\": 1}}}" },
        { Map("@i", (Signed(3), Signed(5)), (Signed(4), Signed(2)), (Signed(9), Signed(4))), 0, 1, "@i[4]: 2\n@i[9]: 4\n@i[3]: 5\n", "map\", \"data\": {\"@i\": {\"4\": 2, \"9\": 4, \"3\": 5}}}" },
        { Map("@i", (Signed(3), Signed(5)), (Signed(4), Signed(-2))), 0, 1, "@i[4]: -2\n@i[3]: 5\n", "map\", \"data\": {\"@i\": {\"4\": -2, \"3\": 5}}}" },
        { Map("@i", (Signed(3), Unsigned(5)), (Signed(4), Unsigned(ulong.MaxValue))), 0, 1, "@i[3]: 5\n@i[4]: 18446744073709551615\n", "map\", \"data\": {\"@i\": {\"3\": 5, \"4\": \"18446744073709551615\"}}}" },
        { Map("@c", (String("b"), Count(2)), (String("a"), Count(3)), (String("c"), Count(1))), 0, 1, "@c[c]: 1\n@c[b]: 2\n@c[a]: 3\n", "map\", \"data\": {\"@c\": {\"c\": 1, \"b\": 2, \"a\": 3}}}" },
        { Map("@c", (String("b"), Count(20)), (String("a"), Count(30)), (String("c"), Count(10))), 2, 10, "@c[b]: 2\n@c[a]: 3\n", "map\", \"data\": {\"@c\": {\"b\": 2, \"a\": 3}}}" },
        { Map("@c", (String("b"), Count(20)), (String("a"), Count(30))), 5, 0, "@c[b]: 20\n@c[a]: 30\n", "map\", \"data\": {\"@c\": {\"b\": 20, \"a\": 30}}}" },
        { Map("@s", (String("b"), Sum(-20, true)), (String("a"), Sum(-30, true))), 0, 10, "@s[a]: -3\n@s[b]: -2\n", "map\", \"data\": {\"@s\": {\"a\": -3, \"b\": -2}}}" },
        { Map("@m", (String("b"), Minimum(-20, true)), (String("a"), Minimum(30, true))), 0, 1, "@m[b]: -20\n@m[a]: 30\n", "map\", \"data\": {\"@m\": {\"b\": -20, \"a\": 30}}}" },
        { Map("@m", (String("b"), Maximum(20, false)), (String("a"), Maximum(30, false))), 1, 3, "@m[a]: 10\n", "map\", \"data\": {\"@m\": {\"a\": 10}}}" },
        { Averages, 2, 10, "@[c]: 3\n@[d]: 4\n", "stats\", \"data\": {\"@\": {\"c\": 3, \"d\": 4}}}" },
        { Averages, 10, 10, "@[a]: 1\n@[b]: 2\n@[c]: 3\n@[d]: 4\n", "stats\", \"data\": {\"@\": {\"a\": 1, \"b\": 2, \"c\": 3, \"d\": 4}}}" },
        { Map("@stats", (String("zsh"), Stats(new ScriptStats(1, 10, true))), (String("curl"), Stats(new ScriptStats(1, 2, true)))), 0, 1, "@stats[curl]: { .count = 1, .average = 2, .total = 2 }\n@stats[zsh]: { .count = 1, .average = 10, .total = 10 }\n", "stats\", \"data\": {\"@stats\": {\"curl\": {\"count\": 1, \"average\": 2, \"total\": 2}, \"zsh\": {\"count\": 1, \"average\": 10, \"total\": 10}}}}" },
        { Map("@str", (Signed(2), String("b")), (Signed(1), String("c")), (Signed(-1), String("d"))), 0, 1, "@str[-1]: d\n@str[1]: c\n@str[2]: b\n", "map\", \"data\": {\"@str\": {\"-1\": \"d\", \"1\": \"c\", \"2\": \"b\"}}}" },
        { Map("@str", (Signed(2), String("b")), (Signed(1), String("c")), (Signed(-1), String("d"))), 1, 1, "@str[2]: b\n", "map\", \"data\": {\"@str\": {\"2\": \"b\"}}}" },
        { Map("@t", (Tuple(String("b"), Signed(1)), Tuple(Signed(4), String("x"))), (Tuple(String("a"), Signed(2)), Tuple(Signed(8), String("y"))), (Tuple(String("a"), Signed(1)), Tuple(Signed(6), String("z")))), 0, 2, "@t[a, 1]: (3, z)\n@t[a, 2]: (4, y)\n@t[b, 1]: (2, x)\n", "map\", \"data\": {\"@t\": {\"a,1\": [3,\"z\"], \"a,2\": [4,\"y\"], \"b,1\": [2,\"x\"]}}}" },
        { Map("@x", (Unsigned(ulong.MaxValue), String("max")), (Unsigned(1), String("one"))), 0, 1, "@x[18446744073709551615]: max\n@x[1]: one\n", "map\", \"data\": {\"@x\": {\"18446744073709551615\": \"max\", \"1\": \"one\"}}}" },
        { Map("@x", (String("b"), Count(1)), (String("a"), Count(1)), (String("c"), Count(1))), 0, 1, "@x[a]: 1\n@x[b]: 1\n@x[c]: 1\n", "map\", \"data\": {\"@x\": {\"a\": 1, \"b\": 1, \"c\": 1}}}" },
        { Map("@b", (String("b"), ScriptValue.Boolean(false)), (String("a"), ScriptValue.Boolean(true))), 0, 1, "@b[a]: true\n@b[b]: false\n", "map\", \"data\": {\"@b\": {\"a\": true, \"b\": false}}}" },
        { Histograms, 2, 1, "@[2]:\n[16, 32)               2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n@[3]:\n[16, 32)               3 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n", "hist\", \"data\": {\"@\": {\"2\": [{\"min\": 16, \"max\": 31, \"count\": 2}], \"3\": [{\"min\": 16, \"max\": 31, \"count\": 3}]}}}" },
        { Map("@x", (Tuple(Signed(1), String("a")), Histogram(LogHistogram.Of(0, 3)))), 0, 1, "@x[1, a]:\n[2, 4)                 1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n", "hist\", \"data\": {\"@x\": {\"1,a\": [{\"min\": 2, \"max\": 3, \"count\": 1}]}}}" },
        { Map("@y", (Signed(1), Histogram(LinearHistogram.Of(0, 100, 10, 5, 7))), (Signed(2), Histogram(LinearHistogram.Of(0, 100, 10, 5)))), 1, 4, "@y[1]:\n[0, 10)                2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\n", "hist\", \"data\": {\"@y\": {\"1\": [{\"min\": 0, \"max\": 9, \"count\": 2}]}}}" },
    };

    [Theory]
    [MemberData(nameof(Maps))]
    public void A_map_prints_in_both_formats(ScriptMap map, int top, int divisor, string text, string json)
    {
        Assert.Equal(text, Text(writer => writer.Map(map, top, (ulong)divisor)));
        Assert.Equal(json.Length == 0 ? "" : "{\"type\": \"" + json + "\n", Json(writer => writer.Map(map, top, (ulong)divisor)));
    }

    [Fact]
    public void Strings_in_keys_are_escaped_on_a_terminal() =>
        Assert.Equal("@[\\x1b, 1]: \\n\n", Text(writer => writer.Map(Map("@", (Tuple(String("\u001b"), Signed(1)), String("\n")))), isTerminal: true));

    private static ScriptValue Avg(long total) => Average(new ScriptStats(total == 0 ? 0UL : 1UL, total, true));
}
