using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>Finds unused address ranges near an image (traps R10, I17). Pure.</summary>
internal static class AddressGaps
{
    private const ulong LowestAddress = 0x10000, HighestAddress = 0x7fff_ffff_f000, PageSize = 4096;

    /// <summary>How far a piece is kept from the heap, which grows upwards, and from the stack, which grows downwards.</summary>
    private const ulong HeapRoom = 1UL << 30, StackRoom = 64UL << 20;

    /// <summary>How far behind its program a heap can begin that is not there yet (arch/x86/kernel/process.c, arch_randomize_brk).</summary>
    private const ulong HeapStart = 32UL << 20;

    /// <summary>Addresses at which <paramref name="length"/> bytes are free, nearest to the image first; those below it before those above.</summary>
    internal static IEnumerable<ulong> Near(IReadOnlyList<Mapping> mappings, ulong imageStart, ulong imageEnd, ulong length)
    {
        List<(ulong Distance, ulong Address)> found = [];
        ulong previousEnd = LowestAddress;
        string previousName = "";
        bool hasHeap = mappings.Any(m => m.Path == "[heap]");
        for (int i = 0; i <= mappings.Count; i++)
        {
            ulong nextStart = i < mappings.Count ? mappings[i].Start : HighestAddress;
            string nextName = i < mappings.Count ? mappings[i].Path : "";
            ulong low = previousEnd, high = nextStart;
            if (previousName == "[heap]")
                low = Math.Min(high, low + HeapRoom);
            if (!hasHeap && high > low && low >= imageEnd)
            {
                low = Math.Min(high, low + HeapRoom + HeapStart); // The image may be the program, and this is where its heap will be.
                hasHeap = true;
            }

            if (nextName == "[stack]")
                high = Math.Max(low, high - Math.Min(high, StackRoom));
            if (high > low && high - low >= length + (2 * PageSize))
            {
                // A page stays free on both sides, so that the kernel does not merge the piece with a neighbour.
                ulong below = high - length - PageSize, above = low + PageSize;
                if (high <= imageStart)
                    found.Add((imageStart - below, below));
                else if (low >= imageEnd)
                    found.Add((above - imageEnd + length, above));
            }

            if (i < mappings.Count)
            {
                previousEnd = Math.Max(previousEnd, mappings[i].End);
                previousName = nextName;
            }
        }

        found.Sort();
        return found.Select(f => f.Address);
    }
}
