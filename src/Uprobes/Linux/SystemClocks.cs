namespace Uprobes.Linux;

/// <summary>Clocks beside CLOCK_MONOTONIC (clock_gettime(2)). Any thread may use them; they never fail.</summary>
internal static class SystemClocks
{
    /// <summary>CLOCK_REALTIME: nanoseconds since 1970-01-01 UTC.</summary>
    internal static long RealNanoseconds => Read(LibC.CLOCK_REALTIME);

    /// <summary>CLOCK_BOOTTIME: as the monotonic clock, with the time for which the machine was suspended.</summary>
    internal static long BootNanoseconds => Read(LibC.CLOCK_BOOTTIME);

    /// <summary>CLOCK_TAI: nanoseconds since 1970-01-01 with leap seconds counted.</summary>
    internal static long TaiNanoseconds => Read(LibC.CLOCK_TAI);

    private static long Read(int clock)
    {
        _ = LibC.clock_gettime(clock, out LibC.TimeSpecification time);
        return (time.Seconds * 1_000_000_000) + time.Nanoseconds;
    }
}
