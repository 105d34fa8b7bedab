namespace Uprobes.Linux;

/// <summary>Reads a small file of proc(5) at once, without the allocations of a stream.</summary>
internal static unsafe class ProcFile
{
    /// <summary>Returns the bytes read, or -1 where the file is gone or may not be read.</summary>
    internal static int Read(string path, Span<byte> destination)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = LibC.open(path, LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
        if (handle.IsInvalid)
            return -1;
        fixed (byte* pointer = destination)
            return (int)LibC.pread(handle, pointer, (nuint)destination.Length, 0);
    }
}
