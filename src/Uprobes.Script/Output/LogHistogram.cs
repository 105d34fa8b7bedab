using System.Numerics;

namespace Uprobes.Script.Output;

/// <summary>
/// The buckets of <c>hist(n, k)</c>. Bucket 0 holds negative values, the 2^k buckets after it one value each from 0, and
/// then every power of two is cut into 2^k buckets of one width: value 2^k x 2^p lies in the first of power p.
/// </summary>
/// <param name="Bits">k, from 0 to 5.</param>
/// <param name="Counts">A count for each bucket from the first one; may end after the last that is not zero. Lent, must not change.</param>
public sealed record LogHistogram(int Bits, IReadOnlyList<ulong> Counts)
{
    /// <summary>The largest k that <c>hist()</c> takes.</summary>
    public const int MaxBits = 5;

    /// <summary>What the counts are divided by when they print; which buckets print depends on the counts themselves.</summary>
    internal ulong Divisor { get; init; } = 1;

    /// <summary>The bucket of a signed value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="bits">k, from 0 to <see cref="MaxBits"/>.</param>
    public static int IndexOf(long value, int bits) => value < 0 ? 0 : IndexOf((ulong)value, bits);

    /// <summary>The bucket of an unsigned value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="bits">k, from 0 to <see cref="MaxBits"/>.</param>
    public static int IndexOf(ulong value, int bits)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bits, (uint)MaxBits, nameof(bits));
        if (value < 1UL << bits)
            return 1 + (int)value;
        int power = BitOperations.Log2(value) - bits;
        int part = (int)(value >> power) & ((1 << bits) - 1);
        return 1 + (((power + 1) << bits) | part);
    }

    /// <summary>How many buckets hold every 64-bit value, signed and unsigned.</summary>
    /// <param name="bits">k, from 0 to <see cref="MaxBits"/>.</param>
    public static int CountOfBuckets(int bits) => 1 + IndexOf(ulong.MaxValue, bits);

    /// <summary>Counts the values as <c>hist()</c> does.</summary>
    /// <param name="bits">k, from 0 to <see cref="MaxBits"/>.</param>
    /// <param name="values">The values.</param>
    public static LogHistogram Of(int bits, params ReadOnlySpan<long> values)
    {
        ulong[] counts = new ulong[CountOfBuckets(bits)];
        foreach (long value in values)
            counts[IndexOf(value, bits)]++;
        return new LogHistogram(bits, counts);
    }

    /// <summary>
    /// The least value that lies beyond bucket <paramref name="index"/>, which is the least value of the next one.
    /// Values that have a bucket of their own are written plainly; larger ones lose their zeros to a suffix, one every ten powers.
    /// </summary>
    internal static HistogramEdge Limit(int index, int bits)
    {
        if (index <= 2 << bits)
            return HistogramEdge.Plain(index);
        int power = (index >> bits) - 1;
        Int128 first = (1 << bits) | (index & ((1 << bits) - 1));
        int thousands = power / 10;
        return new HistogramEdge(first << power, first << (power % 10), "\0KMGTPE"[thousands]);
    }

    /// <summary>Histograms are equal when their buckets and counts are.</summary>
    /// <param name="other">The other histogram.</param>
    public bool Equals(LogHistogram? other) => other is not null && Bits == other.Bits && Counts.SequenceEqual(other.Counts);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Bits, Counts.Count);
}
