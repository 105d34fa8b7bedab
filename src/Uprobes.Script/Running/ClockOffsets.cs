using Uprobes.Linux;

namespace Uprobes.Script.Running;

/// <summary>How far the machine's clocks are apart from CLOCK_MONOTONIC now, in nanoseconds.</summary>
internal static class ClockOffsets
{
    /// <summary>To CLOCK_BOOTTIME: the time for which the machine was suspended.</summary>
    internal static long FromMonotonicToBoot => SystemClocks.BootNanoseconds - MonotonicClock.Nanoseconds;

    /// <summary>To CLOCK_TAI.</summary>
    internal static long FromMonotonicToTai => SystemClocks.TaiNanoseconds - MonotonicClock.Nanoseconds;

    /// <summary>From CLOCK_BOOTTIME to nanoseconds since 1970.</summary>
    internal static long FromBootToUnix => SystemClocks.RealNanoseconds - SystemClocks.BootNanoseconds;
}
