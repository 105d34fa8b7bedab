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
    internal bool IsAt(ulong address, List<Mapping> mappings)
    {
        foreach (Mapping mapping in mappings)
        {
            if (mapping.Contains(address))
            {
                return !mapping.IsShared && (mapping.Permissions & MappingPermissions.Write) != 0 && mapping.Device == Device && mapping.Inode == Inode
                    && mapping.FileOffset + (address - mapping.Start) == Offset.Value;
            }
        }

        return false;
    }
}

/// <summary>A semaphore that one is ours of.</summary>
/// <param name="File">Where it is.</param>
/// <param name="GuardianEntry">The guardian's entry, or -1.</param>
internal readonly record struct HeldSemaphore(SemaphoreFile File, int GuardianEntry);
