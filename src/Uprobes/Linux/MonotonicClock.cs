namespace Uprobes.Linux;

/// <summary>CLOCK_MONOTONIC of our own time namespace (clock_gettime(2)). Any thread may use it.</summary>
internal static class MonotonicClock
{
    /// <summary>Nanoseconds since an arbitrary moment; stands still while the machine is suspended. Never fails: every kernel has the clock.</summary>
    internal static long Nanoseconds
    {
        get
        {
            _ = LibC.clock_gettime(LibC.CLOCK_MONOTONIC, out LibC.TimeSpecification time);
            return (time.Seconds * 1_000_000_000) + time.Nanoseconds;
        }
    }
}
