namespace Uprobes.Images.Types;

/// <summary>How many bytes of debug information several images may have in memory together. Thread-safe.</summary>
/// <param name="most">All that there is.</param>
internal sealed class DebugMemory(ulong most)
{
    private readonly Lock _gate = new();
    private ulong _taken;

    /// <summary>All that there is.</summary>
    internal ulong Most { get; } = most;

    /// <summary>Reads an image's debug information, of at most as many bytes as are left.</summary>
    /// <param name="read">Is given the most bytes that it may take; what it throws comes through, and takes nothing.</param>
    internal DebugSections? Take(Func<ulong, DebugSections?> read)
    {
        lock (_gate)
        {
            DebugSections? sections = read(Most - _taken);
            _taken += sections?.Bytes ?? 0;
            return sections;
        }
    }
}
