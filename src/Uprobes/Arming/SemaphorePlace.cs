using Uprobes.Images;
using Uprobes.Images.StaticProbes;

namespace Uprobes.Arming;

/// <summary>Where the semaphore of a static probe is: a counter of 16 bits that is to be above 0 while somebody probes it.</summary>
/// <param name="Distance">Bytes from the probed instruction to it: a file is loaded as a whole, so that it is the same in every process.</param>
/// <param name="Offset">Its place in the file, by which the mapping that it is in is recognised.</param>
internal readonly record struct SemaphorePlace(long Distance, FileOffset Offset)
{
    /// <summary>That of a static probe; null where it has none, or one that the file has no bytes for.</summary>
    internal static SemaphorePlace? Of(StaticProbeNote? probe) => probe is { Semaphore: { } address, SemaphoreOffset: { } offset }
        ? new SemaphorePlace(unchecked((long)(address.Value - probe.Address.Value)), offset)
        : null;
}
