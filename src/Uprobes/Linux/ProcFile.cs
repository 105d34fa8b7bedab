namespace Uprobes.Linux;

/// <summary>Reads files of proc(5) with few system calls and without the allocations of a stream.</summary>
internal static unsafe class ProcFile
{
    /// <summary>Reads a small file at once. Returns the bytes read, or -1 where the file is gone or may not be read.</summary>
    internal static int Read(string path, Span<byte> destination)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = LibC.open(path, LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
        if (handle.IsInvalid)
            return -1;
        fixed (byte* pointer = destination)
            return (int)LibC.pread(handle, pointer, (nuint)destination.Length, 0);
    }

    /// <summary>Reads a file to its end, which the kernel makes in pieces of some pages. Null where it is gone or may not be read.</summary>
    internal static byte[]? ReadAll(string path)
    {
        const int First = 16 * 1024;
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = LibC.open(path, LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
        if (handle.IsInvalid)
            return null;
        byte[] bytes = new byte[First];
        int length = 0;
        while (true)
        {
            nint read;
            fixed (byte* pointer = bytes)
                read = LibC.pread(handle, pointer + length, (nuint)(bytes.Length - length), length);
            if (read < 0)
                return null;
            length += (int)read;
            if (read == 0)
                return bytes[..length];
            if (length == bytes.Length)
                Array.Resize(ref bytes, 2 * length);
        }
    }
}
