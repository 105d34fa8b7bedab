namespace Uprobes.Processes;

/// <summary>
/// Shadow stacks (CET): the processor keeps a second copy of return addresses, and a return to any other address ends the
/// process. Calls that are made elsewhere or by the tracer are not in that copy (traps S14, X3).
/// </summary>
internal static class ShadowStacks
{
    /// <summary>The kernel lists it where processor and kernel can give one to programs.</summary>
    private const string Flag = "user_shstk";

    private static readonly bool IsPossible = ReadIsPossible();

    /// <summary>Whether a thread of a process has one now. Costs nothing where the machine has none.</summary>
    internal static bool AreUsed(TracedProcess process) =>
        IsPossible && process.Threads.Keys.Any(tid => ThreadStatus.TryRead(tid)?.HasShadowStack == true);

    /// <summary>Whether lines as of /proc/cpuinfo have the flag.</summary>
    internal static bool IsListed(IEnumerable<string> lines) =>
        lines.FirstOrDefault(l => l.StartsWith("flags", StringComparison.Ordinal)) is { } flags && flags.Split(' ').Contains(Flag);

    private static bool ReadIsPossible()
    {
        try
        {
            return IsListed(File.ReadLines("/proc/cpuinfo"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true; // Then each process is asked.
        }
    }
}
