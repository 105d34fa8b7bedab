namespace Uprobes.LiveTests.Kit;

/// <summary>A byte of executable memory that is not what the file has at its place.</summary>
/// <param name="Address">Where, in the process.</param>
/// <param name="Path">The mapped file, as /proc/PID/maps names it.</param>
/// <param name="Offset">Where, in the file.</param>
public sealed record TextDifference(ulong Address, string Path, long Offset, byte InFile, byte InMemory)
{
    public override string ToString() => $"{Path}+{Offset:x} at {Address:x}: {InMemory:x2} instead of {InFile:x2}";
}
