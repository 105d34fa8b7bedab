namespace Uprobes.Processes;

/// <summary>
/// One line of <c>/proc/PID/maps</c> (proc(5)). <see cref="Device"/> and <see cref="Inode"/> are what the kernel prints there,
/// which on overlay and btrfs is not what fstat(2) says of the file.
/// </summary>
/// <param name="Start">First address.</param>
/// <param name="End">First address behind it.</param>
/// <param name="Permissions">What the pages allow.</param>
/// <param name="FileOffset">Where in the file <paramref name="Start"/> is, in bytes.</param>
/// <param name="Device">major * 2^32 + minor.</param>
/// <param name="Inode">0 when no file is mapped.</param>
/// <param name="Path">The path, unescaped, without the <c> (deleted)</c> mark; empty when there is none.</param>
/// <param name="IsDeleted">Whether the kernel marked the path as deleted.</param>
public readonly record struct Mapping(
    ulong Start, ulong End, MappingPermissions Permissions, ulong FileOffset, ulong Device, ulong Inode, string Path, bool IsDeleted)
{
    /// <summary>Bytes mapped.</summary>
    public ulong Length => End - Start;

    /// <summary>Whether instructions can run from it.</summary>
    public bool IsExecutable => (Permissions & MappingPermissions.Execute) != 0;

    /// <summary>Whether writes go to the file (MAP_SHARED).</summary>
    public bool IsShared => (Permissions & MappingPermissions.Shared) != 0;

    /// <summary>Whether a file is mapped.</summary>
    public bool HasFile => Inode != 0;

    /// <summary>Whether the address is inside.</summary>
    public bool Contains(ulong address) => address >= Start && address < End;
}

/// <summary>The four letters of a maps line.</summary>
[Flags]
public enum MappingPermissions
{
    /// <summary>Nothing is allowed.</summary>
    None = 0,

    /// <summary>r</summary>
    Read = 1,

    /// <summary>w</summary>
    Write = 2,

    /// <summary>x</summary>
    Execute = 4,

    /// <summary>s: shared; otherwise private.</summary>
    Shared = 8,
}
