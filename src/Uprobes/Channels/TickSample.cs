namespace Uprobes.Channels;

/// <summary>The time stamp counter and CLOCK_MONOTONIC at one moment.</summary>
/// <param name="Ticks">The counter.</param>
/// <param name="Nanoseconds">The clock.</param>
/// <param name="Window">Ticks within which both were read; the sample is off by at most half of that.</param>
internal readonly record struct TickSample(ulong Ticks, long Nanoseconds, ulong Window);

/// <summary>A straight line from the time stamp counter to CLOCK_MONOTONIC: what a target's code reckons with.</summary>
/// <param name="Ticks">The counter at a moment.</param>
/// <param name="Nanoseconds">The clock at that moment.</param>
/// <param name="Rate">Nanoseconds a tick, times 2^32.</param>
internal readonly record struct TickCalibration(ulong Ticks, long Nanoseconds, ulong Rate)
{
    /// <summary>The clock at a reading of the counter, before or after the line's own; any number gives one, modulo 2^64.</summary>
    internal long ToNanoseconds(ulong ticks)
    {
        long high = Math.BigMul((long)(ticks - Ticks), (long)Rate, out long low);
        return Nanoseconds + (long)(((ulong)high << 32) | ((ulong)low >> 32));
    }

    /// <summary>The line through two samples; the later one is its moment.</summary>
    internal static TickCalibration Through(TickSample earlier, TickSample later) =>
        new(later.Ticks, later.Nanoseconds, RateBetween(earlier, later));

    internal static ulong RateBetween(TickSample earlier, TickSample later) =>
        (ulong)(((UInt128)(ulong)(later.Nanoseconds - earlier.Nanoseconds) << 32) / (later.Ticks - earlier.Ticks));
}
