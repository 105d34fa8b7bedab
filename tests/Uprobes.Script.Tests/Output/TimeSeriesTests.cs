using Uprobes.Script.Output;

namespace Uprobes.Script.Tests.Output;

public sealed class TimeSeriesTests
{
    private const long Start = 1_700_000_000L * 1_000_000_000;

    [Fact]
    public void A_series_around_zero_has_a_line_at_zero() =>
        Assert.Equal(
            """
            @:
                     -5                                                  5
            hh:mm:ss |___________________________________________________|
            22:13:20 *                         .                         | -5
            22:13:21 |    *                    .                         | -4
            22:13:22 |                         *                         | 0
            22:13:23 |                         .                   *     | 4
            22:13:24 |                         .                         * 5
                     v___________________________________________________v
                     -5                                                  5


            """,
            Map(1_000_000_000, -5, -4, 0, 4, 5));

    [Fact]
    public void Values_that_are_equal_lie_in_the_middle_and_missing_ones_are_told() =>
        Assert.Equal(
            """
            @:
                         3                                                   5
            hh:mm:ss.ms  |___________________________________________________|
            22:13:20.000 |                         *                         | 4
            22:13:20.100 |                                                   | -
            22:13:20.200 |                         *                         | 4
                         v___________________________________________________v
                         3                                                   5


            """,
            Map(100_000_000, 4, null, 4));

    [Theory]
    [InlineData(1_000_000_000, "hh:mm:ss |", "22:13:21 ")]
    [InlineData(1_000_000, "hh:mm:ss.ms  |", "22:13:20.001 ")]
    [InlineData(1_000, "hh:mm:ss.μs    |", "22:13:20.000001 ")]
    [InlineData(100, "hh:mm:ss.ns        |", "22:13:20.000000100 ")]
    public void Times_are_told_as_finely_as_the_intervals_need(long interval, string header, string second)
    {
        string[] lines = Map(interval, 1, 2).Split('\n');
        Assert.StartsWith(header, lines[2], StringComparison.Ordinal);
        Assert.StartsWith(second, lines[4], StringComparison.Ordinal);
    }

    [Fact]
    public void A_series_of_one_point_prints() => Assert.Contains("| 9\n", Map(1, 9), StringComparison.Ordinal);

    [Fact]
    public void JSON_leaves_missing_intervals_out() =>
        Assert.Equal(
            "{\"type\": \"tseries\", \"data\": {\"@a\": {\"one\": [{\"interval_start\":\"2023-11-14T22:13:20.000000000\",\"value\":5},{\"interval_start\":\"2023-11-14T22:13:20.200000000\",\"value\":-6}]}}}\n",
            Printed.Json(writer => writer.Map(Printed.Map("@a", (ScriptValue.String("one"), Series(100_000_000, 5, null, -6))))));

    [Fact]
    public void Keys_are_ordered_by_their_last_interval()
    {
        ScriptMap map = Printed.Map("@", (ScriptValue.String("a"), Series(1_000_000_000, 1, 2, 3)), (ScriptValue.String("b"), Series(1_000_000_000, 1, 2)));
        string text = Printed.Text(writer => writer.Map(map));
        Assert.True(text.IndexOf("@[b]:\n", StringComparison.Ordinal) < text.IndexOf("@[a]:\n", StringComparison.Ordinal));
    }

    private static string Map(long interval, params long?[] values) => Printed.Text(writer => writer.Map(ScriptMap.Scalar("@", Series(interval, values))));

    private static ScriptValue Series(long interval, params long?[] values) => ScriptValue.TimeSeries(new ScriptTimeSeries(
        [.. values.Select((value, i) => new TimeSeriesPoint(Start + (i * interval), value is { } number ? ScriptValue.Signed(number) : ScriptValue.None))]));
}
