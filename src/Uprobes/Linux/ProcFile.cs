namespace Uprobes.Linux;

/// <summary>Reads a small file of proc(5) at once, without the allocations of a stream.</summary>
internal static unsafe class ProcFile
{
    private const int O_RDONLY = 0, O_CLOEXEC = 0x80000;

    /// <summary>Returns the bytes read, or -1 where the file is gone or may not be read.</summary>
    internal static int Read(string path, Span<byte> destination)
    {
        int descriptor = LibC.open(path, O_RDONLY | O_CLOEXEC, 0);
        if (descriptor < 0)
            return -1;
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = new(descriptor, ownsHandle: true);
        fixed (byte* pointer = destination)
            return (int)LibC.pread(handle, pointer, (nuint)destination.Length, 0);
    }
}
