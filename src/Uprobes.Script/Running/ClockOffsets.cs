using Uprobes.Linux;

namespace Uprobes.Script.Running;

/// <summary>
/// How far the machine's clocks are apart from CLOCK_MONOTONIC, in nanoseconds. They are compared once: times that a script takes
/// at two places are to be apart by what passed between, and by nothing else. A machine that is suspended while a script runs
/// keeps to the difference from before.
/// </summary>
internal static class ClockOffsets
{
    private const int Tries = 16;

    /// <summary>Closer clocks run together: a machine that was never suspended has one time since boot.</summary>
    private const long Together = 2000;

    /// <summary>To CLOCK_BOOTTIME: the time for which the machine was suspended.</summary>
    internal static long FromMonotonicToBoot { get; } = Measure(static () => SystemClocks.BootNanoseconds);

    /// <summary>To CLOCK_TAI.</summary>
    internal static long FromMonotonicToTai { get; } = Measure(static () => SystemClocks.TaiNanoseconds);

    /// <summary>From CLOCK_BOOTTIME to nanoseconds since 1970, now: that one is set and corrected.</summary>
    internal static long FromBootToUnix => SystemClocks.RealNanoseconds - SystemClocks.BootNanoseconds;

    private static long Measure(Func<long> clock)
    {
        (long best, long width) = (0, long.MaxValue);
        for (int i = 0; i < Tries; i++)
        {
            long before = MonotonicClock.Nanoseconds, other = clock(), after = MonotonicClock.Nanoseconds;
            if (after - before < width)
                (best, width) = (other - before - ((after - before) / 2), after - before);
        }

        return Math.Abs(best) < Together ? 0 : best;
    }
}
