using Uprobes.Script.Output;

namespace Uprobes.Script.Tests.Output;

/// <summary>Rows of histograms: labels, counts, bars, JSON.</summary>
public sealed class HistogramTests
{
    private const string Full = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";

    /// <summary>Value, k, label, JSON bounds.</summary>
    public static TheoryData<long, int, string, string> LogRows { get; } = new()
    {
        { -5, 0, "(..., 0)", "\"max\": -1" }, { long.MinValue, 0, "(..., 0)", "\"max\": -1" }, { 0, 0, "[0]", "\"min\": 0, \"max\": 0" },
        { 1, 0, "[1]", "\"min\": 1, \"max\": 1" }, { 2, 0, "[2, 4)", "\"min\": 2, \"max\": 3" }, { 3, 0, "[2, 4)", "\"min\": 2, \"max\": 3" },
        { 4, 0, "[4, 8)", "\"min\": 4, \"max\": 7" }, { 8, 0, "[8, 16)", "\"min\": 8, \"max\": 15" }, { 16, 0, "[16, 32)", "\"min\": 16, \"max\": 31" },
        { 511, 0, "[256, 512)", "\"min\": 256, \"max\": 511" }, { 512, 0, "[512, 1K)", "\"min\": 512, \"max\": 1023" },
        { 1023, 0, "[512, 1K)", "\"min\": 512, \"max\": 1023" }, { 1024, 0, "[1K, 2K)", "\"min\": 1024, \"max\": 2047" },
        { 2048, 0, "[2K, 4K)", "\"min\": 2048, \"max\": 4095" }, { 1 << 19, 0, "[512K, 1M)", "\"min\": 524288, \"max\": 1048575" },
        { 1 << 20, 0, "[1M, 2M)", "\"min\": 1048576, \"max\": 2097151" }, { 1 << 29, 0, "[512M, 1G)", "\"min\": 536870912, \"max\": 1073741823" },
        { 1 << 30, 0, "[1G, 2G)", "\"min\": 1073741824, \"max\": 2147483647" }, { 10L << 30, 0, "[8G, 16G)", "\"min\": 8589934592, \"max\": 17179869183" },
        { 1L << 39, 0, "[512G, 1T)", "\"min\": 549755813888, \"max\": 1099511627775" }, { 1L << 40, 0, "[1T, 2T)", "\"min\": 1099511627776, \"max\": 2199023255551" },
        { 1L << 49, 0, "[512T, 1P)", "\"min\": 562949953421312, \"max\": 1125899906842623" }, { 1L << 50, 0, "[1P, 2P)", "\"min\": 1125899906842624, \"max\": 2251799813685247" },
        { 1L << 59, 0, "[512P, 1E)", "\"min\": 576460752303423488, \"max\": \"1152921504606846975\"" },
        { 1L << 60, 0, "[1E, 2E)", "\"min\": 1152921504606846976, \"max\": \"2305843009213693951\"" },
        { long.MaxValue, 0, "[4E, 8E)", "\"min\": 4611686018427387904, \"max\": \"9223372036854775807\"" },
        { -1, 1, "(..., 0)", "\"max\": -1" }, { 0, 1, "[0]", "\"min\": 0, \"max\": 0" }, { 3, 1, "[3]", "\"min\": 3, \"max\": 3" },
        { 4, 1, "[4, 6)", "\"min\": 4, \"max\": 5" }, { 7, 1, "[6, 8)", "\"min\": 6, \"max\": 7" }, { 1024, 1, "[1024, 1536)", "\"min\": 1024, \"max\": 1535" },
        { 1536, 1, "[1536, 2K)", "\"min\": 1536, \"max\": 2047" }, { 2048, 1, "[2K, 3K)", "\"min\": 2048, \"max\": 3071" }, { 3072, 1, "[3K, 4K)", "\"min\": 3072, \"max\": 4095" },
        { 0, 2, "[0]", "\"min\": 0, \"max\": 0" }, { 7, 2, "[7]", "\"min\": 7, \"max\": 7" }, { 8, 2, "[8, 10)", "\"min\": 8, \"max\": 9" },
        { 1000, 2, "[896, 1024)", "\"min\": 896, \"max\": 1023" }, { 4000, 2, "[3584, 4K)", "\"min\": 3584, \"max\": 4095" }, { 4096, 2, "[4K, 5K)", "\"min\": 4096, \"max\": 5119" },
        { 15, 3, "[15]", "\"min\": 15, \"max\": 15" }, { 16, 3, "[16, 18)", "\"min\": 16, \"max\": 17" }, { 8191, 3, "[7680, 8K)", "\"min\": 7680, \"max\": 8191" },
        { 8192, 3, "[8K, 9K)", "\"min\": 8192, \"max\": 9215" }, { 31, 4, "[31]", "\"min\": 31, \"max\": 31" }, { 32, 4, "[32, 34)", "\"min\": 32, \"max\": 33" },
        { 16384, 4, "[16K, 17K)", "\"min\": 16384, \"max\": 17407" }, { 63, 5, "[63]", "\"min\": 63, \"max\": 63" }, { 64, 5, "[64, 66)", "\"min\": 64, \"max\": 65" },
        { 1 << 15, 5, "[32K, 33K)", "\"min\": 32768, \"max\": 33791" }, { 1 << 25, 5, "[32M, 33M)", "\"min\": 33554432, \"max\": 34603007" },
    };

    /// <summary>Value, least, limit, step, label, JSON bounds.</summary>
    public static TheoryData<long, long, long, long, string, string> LinearRows { get; } = new()
    {
        { -1, 0, 100, 10, "(..., 0)", "\"max\": -1" }, { 0, 0, 100, 10, "[0, 10)", "\"min\": 0, \"max\": 9" }, { 95, 0, 100, 10, "[90, 100)", "\"min\": 90, \"max\": 99" },
        { 100, 0, 100, 10, "[100, ...)", "\"min\": 100" }, { 1000, 0, 100, 10, "[100, ...)", "\"min\": 100" }, { 7, 10, 20, 5, "(..., 10)", "\"max\": 9" },
        { 12, 10, 20, 5, "[10, 15)", "\"min\": 10, \"max\": 14" }, { -8, -10, 10, 5, "[-10, -5)", "\"min\": -10, \"max\": -6" }, { -20, -10, 10, 5, "(..., -10)", "\"max\": -11" },
        { 3, 0, 5, 1, "[3]", "\"min\": 3, \"max\": 3" }, { 5, 0, 5, 1, "[5, ...)", "\"min\": 5" }, { 22, 0, 25, 10, "[20, ...)", "\"min\": 20" },
        { 0, 0, 10240, 1024, "[0, 1K)", "\"min\": 0, \"max\": 1023" }, { 3000, 0, 10240, 1024, "[2K, 3K)", "\"min\": 2048, \"max\": 3071" },
        { 10240, 0, 10240, 1024, "[10K, ...)", "\"min\": 10240" }, { -1, 0, 10240, 1024, "(..., 0)", "\"max\": -1" },
        { 3 << 20, 0, 10 << 20, 1 << 20, "[3M, 4M)", "\"min\": 3145728, \"max\": 4194303" }, { 1 << 20, 0, 2 << 20, 1 << 19, "[1M, 1536K)", "\"min\": 1048576, \"max\": 1572863" },
        { 700, 500, 10740, 1024, "[500, 1524)", "\"min\": 500, \"max\": 1523" }, { 5000, 0, 10000, 1000, "[5000, 6000)", "\"min\": 5000, \"max\": 5999" },
    };

    /// <summary>A row's count, the largest, and how many signs it has.</summary>
    public static TheoryData<int, int, int> Bars { get; } = new()
    {
        { 0, 1, 0 }, { 1, 1, 52 }, { 1, 2, 26 }, { 1, 3, 17 }, { 2, 3, 34 }, { 1, 4, 13 }, { 1, 13, 4 }, { 2, 13, 8 }, { 5, 13, 20 }, { 1, 52, 1 }, { 1, 53, 0 },
        { 51, 52, 51 }, { 99, 100, 51 }, { 16777217, 16777217, 52 }, { 16777216, 16777217, 52 },
    };

    [Theory]
    [MemberData(nameof(LogRows))]
    public void A_bucket_has_its_label(long value, int bits, string label, string bounds)
    {
        ScriptValue histogram = ScriptValue.Histogram(LogHistogram.Of(bits, value));
        Assert.Equal($"{label,-16}{1,8} |{Full}|\n", Printed.Text(histogram));
        Assert.Equal($"[{{{bounds}, \"count\": 1}}]", Printed.Json(histogram));
    }

    [Theory]
    [MemberData(nameof(LinearRows))]
    public void A_linear_bucket_has_its_label(long value, long least, long limit, long step, string label, string bounds)
    {
        ScriptValue histogram = ScriptValue.Histogram(LinearHistogram.Of(least, limit, step, value));
        Assert.Equal($"{label,-16}{1,8} |{Full}|\n", Printed.Text(histogram));
        Assert.Equal($"[{{{bounds}, \"count\": 1}}]", Printed.Json(histogram));
    }

    [Theory]
    [MemberData(nameof(Bars))]
    public void A_bar_is_as_long_as_its_part_of_the_largest(int count, int most, int length)
    {
        ScriptValue histogram = ScriptValue.Histogram(new LogHistogram(0, [0, (ulong)most, (ulong)count, 1]));
        string row = Printed.Text(histogram).Split('\n')[1];
        Assert.Equal($"{"[1]",-16}{count,8} |{new string('@', length),-52}|", row);
    }

    [Fact]
    public void Rows_reach_from_the_first_bucket_that_is_not_empty_to_the_last() =>
        Assert.Equal(
            """
            (..., 0)               1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
            [0]                    0 |                                                    |
            [1]                    0 |                                                    |
            [2, 4)                 0 |                                                    |
            [4, 8)                 0 |                                                    |
            [8, 16)                0 |                                                    |
            [16, 32)               0 |                                                    |
            [32, 64)               0 |                                                    |
            [64, 128)              0 |                                                    |
            [128, 256)             0 |                                                    |
            [256, 512)             0 |                                                    |
            [512, 1K)              1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
            [1K, 2K)               1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

            """,
            Printed.Text(ScriptValue.Histogram(LogHistogram.Of(0, -5, 1025, 1023))));

    [Fact]
    public void A_linear_histogram_has_open_ends() =>
        Assert.Equal(
            """
            (..., 10)              1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |
            [10, 15)               1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |
            [15, 20)               0 |                                                    |
            [20, ...)              2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

            """,
            Printed.Text(ScriptValue.Histogram(LinearHistogram.Of(10, 20, 5, 5, 10, 20, 21))));

    [Fact]
    public void Buckets_of_JSON_follow_each_other_without_a_gap() =>
        Assert.Equal(
            "[{\"max\": -1, \"count\": 1},{\"min\": 0, \"max\": 0, \"count\": 1},{\"min\": 1, \"max\": 1, \"count\": 0},{\"min\": 2, \"max\": 3, \"count\": 1}]",
            Printed.Json(ScriptValue.Histogram(LogHistogram.Of(0, -1, 0, 2))));

    [Fact]
    public void A_large_count_widens_its_column() =>
        Assert.Equal($"{"[1]",-16}1234567890 |{Full}|\n", Printed.Text(ScriptValue.Histogram(new LogHistogram(0, [0, 0, 1234567890]))));

    [Fact]
    public void The_divisor_leaves_the_rows_and_divides_their_counts()
    {
        ScriptMap map = ScriptMap.Scalar("@", ScriptValue.Histogram(LogHistogram.Of(0, 1, 4, 4, 4)));
        Assert.Equal(
            $"@:\n{"[1]",-16}{0,8} |{"",-52}|\n{"[2, 4)",-16}{0,8} |{"",-52}|\n{"[4, 8)",-16}{1,8} |{Full}|\n\n",
            Printed.Text(writer => writer.Map(map, divisor: 2)));
        Assert.Equal($"@:\n{"[1]",-16}{0,8} |{"",-52}|\n{"[2, 4)",-16}{0,8} |{"",-52}|\n{"[4, 8)",-16}{0,8} |{"",-52}|\n\n", Printed.Text(writer => writer.Map(map, divisor: 9)));
    }

    [Fact]
    public void An_unsigned_histogram_reaches_16E() =>
        Assert.StartsWith("[8E, 16E) ", Printed.Text(ScriptValue.Histogram(new LogHistogram(0, [.. new ulong[65], 1]))), StringComparison.Ordinal);
}
