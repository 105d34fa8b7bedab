namespace Uprobes.Script.Output;

/// <summary>
/// The buckets of <c>lhist(n, min, max, step)</c>: the first holds what is smaller than <paramref name="Minimum"/>, the last
/// what is not smaller than <paramref name="Maximum"/>, those between them one <paramref name="Step"/> each.
/// </summary>
/// <param name="Minimum">Least value of the second bucket.</param>
/// <param name="Maximum">Least value of the last bucket. As in bpftrace, a range that is no multiple of the step loses its rest to the last bucket.</param>
/// <param name="Step">Width of a bucket, more than 0.</param>
/// <param name="Counts">A count for each bucket from the first one; may end after the last that is not zero. Lent, must not change.</param>
public sealed record LinearHistogram(long Minimum, long Maximum, long Step, IReadOnlyList<ulong> Counts)
{
    private const long Kilo = 1024;
    private const long Mega = 1024 * 1024;

    /// <summary>The bucket of a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="minimum">Least value of the second bucket.</param>
    /// <param name="maximum">Least value of the last bucket.</param>
    /// <param name="step">Width of a bucket, more than 0.</param>
    public static int IndexOf(long value, long minimum, long maximum, long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(maximum, minimum);
        return value < minimum ? 0 : checked((int)(((Int128)Math.Min(value, maximum) - minimum) / step) + 1);
    }

    /// <summary>How many buckets there are.</summary>
    /// <param name="minimum">Least value of the second bucket.</param>
    /// <param name="maximum">Least value of the last bucket.</param>
    /// <param name="step">Width of a bucket, more than 0.</param>
    public static int CountOfBuckets(long minimum, long maximum, long step) => 1 + IndexOf(maximum, minimum, maximum, step);

    /// <summary>Counts the values as <c>lhist()</c> does.</summary>
    /// <param name="minimum">Least value of the second bucket.</param>
    /// <param name="maximum">Least value of the last bucket.</param>
    /// <param name="step">Width of a bucket, more than 0.</param>
    /// <param name="values">The values.</param>
    public static LinearHistogram Of(long minimum, long maximum, long step, params ReadOnlySpan<long> values)
    {
        ulong[] counts = new ulong[CountOfBuckets(minimum, maximum, step)];
        foreach (long value in values)
            counts[IndexOf(value, minimum, maximum, step)]++;
        return new LinearHistogram(minimum, maximum, step, counts);
    }

    /// <summary>The least value beyond bucket <paramref name="index"/>; null for the last bucket, which has no end.</summary>
    internal HistogramEdge? Limit(int index)
    {
        Int128 value = Minimum + ((Int128)index * Step);
        return value > Maximum ? null
            : Step % Kilo != 0 ? HistogramEdge.Plain(value)
            : value == 0 ? new HistogramEdge(value, value, '\0')
            : value % Mega == 0 ? new HistogramEdge(value, value / Mega, 'M')
            : value % Kilo == 0 ? new HistogramEdge(value, value / Kilo, 'K')
            : new HistogramEdge(value, value, '\0');
    }

    /// <summary>Histograms are equal when their buckets and counts are.</summary>
    /// <param name="other">The other histogram.</param>
    public bool Equals(LinearHistogram? other) =>
        other is not null && (Minimum, Maximum, Step) == (other.Minimum, other.Maximum, other.Step) && Counts.SequenceEqual(other.Counts);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Minimum, Maximum, Step, Counts.Count);
}
