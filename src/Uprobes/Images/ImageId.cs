namespace Uprobes.Images;

/// <summary>
/// Which file an image is, whatever the path it was reached by: hard links, symbolic links and bind mounts of one
/// file have one identity. Both numbers are those of fstat(2) on the open file, never those printed in
/// <c>/proc/PID/maps</c>, which differ on overlay and btrfs.
/// </summary>
/// <param name="Device">st_dev.</param>
/// <param name="Inode">st_ino.</param>
public readonly record struct ImageId(ulong Device, ulong Inode)
{
    /// <summary>As <c>dev:inode</c> in hexadecimal and decimal.</summary>
    public override string ToString() => $"{Device:x}:{Inode}";
}
