using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>
/// Semaphores of armed probes whose memory is not there yet: the dynamic linker maps data after text. One that does not come is told of once,
/// and nobody looks for it from then on; it is still taken if it is found when somebody looks for another reason. Pure.
/// </summary>
internal sealed class AwaitedSemaphores
{
    /// <summary>
    /// Looks after which one is given up. There is one at each mapping that a process makes, and a linker makes only as many as a file has segments
    /// until it is done with it; other threads may make some at the same time.
    /// </summary>
    internal const int MostLooks = 64;

    private readonly Dictionary<(ulong Address, SemaphoreFile File), int> _looks = [];

    /// <summary>Whether some are worth a look.</summary>
    internal bool Any => _looks.Values.Any(static looks => looks < MostLooks);

    /// <summary>Whether none is known, given up or not.</summary>
    internal bool IsEmpty => _looks.Count == 0;

    /// <summary>Notes what a look has found.</summary>
    /// <param name="missing">What is wanted and cannot be written now, by address.</param>
    /// <param name="isHeld">Whether the one at an address has been counted up.</param>
    /// <param name="mappings">What is mapped.</param>
    /// <returns>What is to be told now, as address and problem: what is given up, and what was awaited in vain until nobody wanted it any more.</returns>
    internal IReadOnlyList<(ulong Address, string Problem)> Look(IReadOnlyDictionary<ulong, SemaphoreFile> missing, Func<ulong, bool> isHeld, List<Mapping> mappings)
    {
        List<(ulong, string)> told = [];
        foreach (((ulong address, SemaphoreFile file), int looks) in _looks.ToArray())
        {
            if (missing.TryGetValue(address, out SemaphoreFile wanted) && wanted == file)
                continue;
            _looks.Remove((address, file));
            if (looks < MostLooks && !isHeld(address) && !file.IsAt(address, mappings))
                told.Add((address, file.WhyNotAt(address, mappings)));
        }

        foreach ((ulong address, SemaphoreFile file) in missing)
        {
            int looks = _looks.GetValueOrDefault((address, file));
            if (looks == MostLooks)
                continue;
            looks = file.IsSharedAt(address, mappings) ? MostLooks : looks + 1; // No linker maps a file's data so.
            _looks[(address, file)] = looks;
            if (looks == MostLooks)
                told.Add((address, file.WhyNotAt(address, mappings)));
        }

        return told;
    }
}
