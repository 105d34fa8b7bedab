using System.Globalization;

namespace Uprobes.Linux;

/// <summary>How long the kernel lets a writer wait for a lease, for the whole system (<c>/proc/sys/fs/lease-break-time</c>).</summary>
internal static class LeaseBreakTime
{
    private static readonly TimeSpan KernelDefault = TimeSpan.FromSeconds(45);

    /// <summary>The time, in whole seconds; null when it is 0, which makes writers wait without end.</summary>
    internal static TimeSpan? Read()
    {
        try
        {
            int seconds = int.Parse(File.ReadAllText("/proc/sys/fs/lease-break-time"), CultureInfo.InvariantCulture);
            return seconds > 0 ? TimeSpan.FromSeconds(seconds) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            // Sandboxes hide /proc/sys. Few systems change the value, and a wrong one costs only the order of
            // "probes removed" and "writer goes on", which is checked again afterwards.
            return KernelDefault;
        }
    }
}
