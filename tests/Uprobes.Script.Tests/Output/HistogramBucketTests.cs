using CsCheck;
using Uprobes.Script.Output;

namespace Uprobes.Script.Tests.Output;

public sealed class HistogramBucketTests
{
    /// <summary>Value, k, bucket.</summary>
    public static TheoryData<long, int, int> LogBuckets { get; } = new()
    {
        { long.MinValue, 0, 0 }, { -1, 0, 0 }, { 0, 0, 1 }, { 1, 0, 2 }, { 2, 0, 3 }, { 3, 0, 3 }, { 4, 0, 4 }, { 7, 0, 4 }, { 8, 0, 5 },
        { 1023, 0, 11 }, { 1024, 0, 12 }, { long.MaxValue, 0, 64 }, { 1L << 62, 0, 64 },
        { -5, 1, 0 }, { 0, 1, 1 }, { 1, 1, 2 }, { 2, 1, 3 }, { 3, 1, 4 }, { 4, 1, 5 }, { 5, 1, 5 }, { 6, 1, 6 }, { 7, 1, 6 }, { 8, 1, 7 },
        { 0, 2, 1 }, { 7, 2, 8 }, { 8, 2, 9 }, { 9, 2, 9 }, { 10, 2, 10 }, { 15, 2, 12 }, { 16, 2, 13 },
        { 15, 3, 16 }, { 16, 3, 17 }, { 17, 3, 17 }, { 18, 3, 18 }, { 31, 3, 24 }, { 32, 3, 25 },
        { 31, 4, 32 }, { 32, 4, 33 }, { 63, 5, 64 }, { 64, 5, 65 }, { 65, 5, 65 }, { 66, 5, 66 },
    };

    /// <summary>Value, least, limit, step, bucket.</summary>
    public static TheoryData<long, long, long, long, int> LinearBuckets { get; } = new()
    {
        { -1, 0, 100, 10, 0 }, { 0, 0, 100, 10, 1 }, { 9, 0, 100, 10, 1 }, { 10, 0, 100, 10, 2 }, { 99, 0, 100, 10, 10 }, { 100, 0, 100, 10, 11 },
        { long.MaxValue, 0, 100, 10, 11 }, { long.MinValue, 0, 100, 10, 0 }, { -5, -10, 10, 5, 2 }, { -11, -10, 10, 5, 0 }, { 0, 0, 5, 1, 1 },
        { 4, 0, 5, 1, 5 }, { 5, 0, 5, 1, 6 }, { 19, 0, 25, 10, 2 }, { 20, 0, 25, 10, 3 }, { 25, 0, 25, 10, 3 }, { long.MaxValue, long.MinValue, long.MaxValue, 1L << 62, 4 },
    };

    [Theory]
    [MemberData(nameof(LogBuckets))]
    public void A_value_goes_into_its_bucket(long value, int bits, int bucket) => Assert.Equal(bucket, LogHistogram.IndexOf(value, bits));

    [Theory]
    [MemberData(nameof(LinearBuckets))]
    public void A_value_goes_into_its_linear_bucket(long value, long least, long limit, long step, int bucket) =>
        Assert.Equal(bucket, LinearHistogram.IndexOf(value, least, limit, step));

    [Fact]
    public void A_value_lies_between_the_bounds_of_its_bucket() =>
        Gen.Select(Gen.OneOf(Gen.Long, Gen.Long[-100, 100], Gen.Int[0, 62].Select(Gen.Long[-2, 2], (power, by) => (1L << power) + by)), Gen.Int[0, LogHistogram.MaxBits])
            .Sample((value, bits) =>
            {
                int index = LogHistogram.IndexOf(value, bits);
                Assert.True((index == 0) == (value < 0));
                Assert.True(value < LogHistogram.Limit(index, bits).Value);
                if (index > 0)
                    Assert.True(value >= LogHistogram.Limit(index - 1, bits).Value);
            }, iter: 20_000);

    [Fact]
    public void An_unsigned_value_lies_between_the_bounds_of_its_bucket() =>
        Gen.Select(Gen.ULong, Gen.Int[0, LogHistogram.MaxBits]).Sample((value, bits) =>
        {
            int index = LogHistogram.IndexOf(value, bits);
            Assert.InRange(index, 1, LogHistogram.CountOfBuckets(bits) - 1);
            Assert.True(value < LogHistogram.Limit(index, bits).Value);
            Assert.True(value >= LogHistogram.Limit(index - 1, bits).Value);
        }, iter: 20_000);

    [Fact]
    public void The_least_value_of_every_bucket_goes_into_it()
    {
        for (int bits = 0; bits <= LogHistogram.MaxBits; bits++)
        {
            for (int index = 1; index < LogHistogram.CountOfBuckets(bits); index++)
            {
                ulong least = (ulong)LogHistogram.Limit(index - 1, bits).Value;
                Assert.Equal(index, LogHistogram.IndexOf(least, bits));
                Assert.Equal(index, LogHistogram.IndexOf((ulong)(LogHistogram.Limit(index, bits).Value - 1), bits));
            }
        }
    }

    [Fact]
    public void A_value_lies_between_the_bounds_of_its_linear_bucket() =>
        Gen.Select(Gen.Long[-2000, 2000], Gen.Long[-500, 500], Gen.Long[1, 1000], Gen.Long[1, 200]).Sample((value, least, size, step) =>
        {
            LinearHistogram histogram = LinearHistogram.Of(least, least + size, step, value);
            int index = LinearHistogram.IndexOf(value, least, least + size, step);
            Assert.Equal(1UL, histogram.Counts[index]);
            Assert.True(histogram.Limit(index) is not { } limit || value < limit.Value);
            if (index > 0)
                Assert.True(value >= histogram.Limit(index - 1)!.Value.Value);
        }, iter: 20_000);

    [Theory]
    [InlineData(-1)]
    [InlineData(6)]
    public void Only_0_to_5_bits_are_taken(int bits) => Assert.Throws<ArgumentOutOfRangeException>(() => LogHistogram.IndexOf(1L, bits));
}
