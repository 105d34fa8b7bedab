using Uprobes.Images;
using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>What a semaphore has to lie in: private, writable memory that a certain part of a file is mapped to.</summary>
/// <param name="Device">As the maps line has it.</param>
/// <param name="Inode">The same.</param>
/// <param name="Offset">The semaphore's place in the file.</param>
internal readonly record struct SemaphoreFile(ulong Device, ulong Inode, FileOffset Offset)
{
    /// <summary>
    /// Whether it is at an address. While the dynamic linker works, what is there may be another part of the file, or the same one
    /// before it is mapped a second time to be written to.
    /// </summary>
    internal bool IsAt(ulong address, List<Mapping> mappings) =>
        TryFind(address, mappings, out Mapping mapping) && !mapping.IsShared && (mapping.Permissions & MappingPermissions.Write) != 0;

    /// <summary>Whether it is there in memory that is the file itself, which nobody may change.</summary>
    internal bool IsSharedAt(ulong address, List<Mapping> mappings) => TryFind(address, mappings, out Mapping mapping) && mapping.IsShared;

    /// <summary>Why it is not at an address.</summary>
    internal string WhyNotAt(ulong address, List<Mapping> mappings) => !TryFind(address, mappings, out Mapping mapping)
        ? "that part of its file is not mapped there"
        : mapping.IsShared ? "the file is mapped there so that writing would change it for all" : "the memory there is read-only";

    private bool TryFind(ulong address, List<Mapping> mappings, out Mapping found)
    {
        foreach (Mapping mapping in mappings)
        {
            if (!mapping.Contains(address))
                continue;
            found = mapping;
            return mapping.Device == Device && mapping.Inode == Inode && mapping.FileOffset + (address - mapping.Start) == Offset.Value;
        }

        found = default;
        return false;
    }
}

/// <summary>A semaphore that one is ours of.</summary>
/// <param name="File">Where it is.</param>
/// <param name="GuardianEntry">The guardian's entry, or -1.</param>
internal readonly record struct HeldSemaphore(SemaphoreFile File, int GuardianEntry);
