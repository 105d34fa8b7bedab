namespace Uprobes;

/// <summary>How many values lay in a range.</summary>
/// <param name="Least">The least value of the range.</param>
/// <param name="Limit">What all values of the range are less than.</param>
/// <param name="Count">How many there were.</param>
public readonly record struct HistogramBucket(Int128 Least, Int128 Limit, long Count);
