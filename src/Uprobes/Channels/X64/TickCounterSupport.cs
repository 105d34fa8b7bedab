namespace Uprobes.Channels.X64;

/// <summary>Whether the time stamp counter tells time on this machine.</summary>
internal enum TickCounterSupport
{
    /// <summary>It runs at one rate, always.</summary>
    Usable,

    /// <summary>Its rate changes with the processor's (no <c>constant_tsc</c>).</summary>
    RateChanges,

    /// <summary>It stands still while the processor sleeps (no <c>nonstop_tsc</c>).</summary>
    StopsInSleep,

    /// <summary>The kernel does not say.</summary>
    Unknown,
}

/// <summary>Reads what the kernel says of the time stamp counter in <c>/proc/cpuinfo</c>.</summary>
internal static class TickCounterFlags
{
    /// <summary>Of the machine we run on.</summary>
    internal static TickCounterSupport Read()
    {
        try
        {
            return Parse(File.ReadLines("/proc/cpuinfo"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return TickCounterSupport.Unknown; // A container without the file: its absence is the answer.
        }
    }

    /// <summary>Of the first processor's flags; the kernel gives all processors those that all have.</summary>
    internal static TickCounterSupport Parse(IEnumerable<string> lines)
    {
        string? flags = lines.FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal));
        if (flags is null)
            return TickCounterSupport.Unknown;
        string[] words = flags.Split((char[])[' ', '\t', ':'], StringSplitOptions.RemoveEmptyEntries);
        return !words.Contains("constant_tsc") ? TickCounterSupport.RateChanges
            : !words.Contains("nonstop_tsc") ? TickCounterSupport.StopsInSleep
            : TickCounterSupport.Usable;
    }
}
