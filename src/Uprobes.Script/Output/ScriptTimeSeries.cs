namespace Uprobes.Script.Output;

/// <summary>What <c>tseries()</c> keeps: one value an interval.</summary>
/// <param name="Points">From the first interval that has a value to the last one of the map, without gaps, oldest first.</param>
public sealed record ScriptTimeSeries(IReadOnlyList<TimeSeriesPoint> Points)
{
    /// <summary>Series are equal when their points are.</summary>
    /// <param name="other">The other series.</param>
    public bool Equals(ScriptTimeSeries? other) => other is not null && Points.SequenceEqual(other.Points);

    /// <inheritdoc/>
    public override int GetHashCode() => Points.Count == 0 ? 0 : HashCode.Combine(Points.Count, Points[^1]);
}

/// <summary>An interval of a time series.</summary>
/// <param name="UnixNanoseconds">When the interval began: nanoseconds since 1970-01-01 UTC.</param>
/// <param name="Value">An integer, or nothing where the interval had no value.</param>
public readonly record struct TimeSeriesPoint(long UnixNanoseconds, ScriptValue Value);
