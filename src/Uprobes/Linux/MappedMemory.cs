using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

/// <summary>Readable and writable memory of our own address space (mmap(2)). Disposing unmaps it, once nobody holds a reference.</summary>
internal sealed class MappedMemory : SafeHandle
{
    private MappedMemory(nint address, long length) : base(-1, ownsHandle: true)
    {
        SetHandle(address);
        Length = length;
    }

    /// <summary>Bytes that may be used.</summary>
    internal long Length { get; }

    /// <summary>Where it lies in our own address space.</summary>
    internal nint Address => handle;

    /// <inheritdoc/>
    public override bool IsInvalid => handle == -1;

    /// <summary>Zeroed memory that no other process sees (MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE): a page costs nothing until it is written.</summary>
    /// <exception cref="SyscallException">mmap was refused (ENOMEM: address space limit).</exception>
    internal static MappedMemory CreatePrivate(long length) =>
        Map($"mmap {length} bytes", length, LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE, -1);

    /// <summary>The first bytes of a file, shared with all who map it (MAP_SHARED). The file must be sealed against shrinking, lest an access be a SIGBUS.</summary>
    /// <param name="file">Open for reading and writing; only lent.</param>
    /// <param name="length">Bytes; no more than the file has.</param>
    /// <exception cref="SyscallException">mmap was refused (ENOMEM: address space limit; EACCES, EPERM: not open for writing, or sealed against it).</exception>
    internal static MappedMemory MapShared(SafeFileHandle file, long length)
    {
        bool borrowed = false;
        try
        {
            file.DangerousAddRef(ref borrowed);
            return Map($"mmap {length} bytes of a file", length, LibC.MAP_SHARED, (int)file.DangerousGetHandle());
        }
        finally
        {
            if (borrowed)
                file.DangerousRelease();
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibC.munmap(handle, (nuint)Length) == 0;

    private static MappedMemory Map(string operation, long length, int flags, int fileDescriptor)
    {
        nint address = LibC.mmap(0, (nuint)length, LibC.PROT_READ | LibC.PROT_WRITE, flags, fileDescriptor, 0);
        return address == -1
            ? throw new SyscallException(operation, Marshal.GetLastPInvokeError())
            : new MappedMemory(address, length);
    }
}
