using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>
/// Memory of our own that forked children share with us (mmap(2), MAP_SHARED|MAP_ANONYMOUS|MAP_NORESERVE): a page
/// of it costs nothing until it is touched. Disposing unmaps it here; a child's mapping stays.
/// </summary>
internal sealed class AnonymousMapping : SafeHandle
{
    private AnonymousMapping(nint address, int length) : base(-1, ownsHandle: true)
    {
        SetHandle(address);
        Length = length;
    }

    /// <summary>The size of a page on x86-64, in bytes.</summary>
    internal const int PageSize = 4096;

    /// <summary>Bytes mapped, a multiple of the page size.</summary>
    internal int Length { get; }

    /// <summary>Where it lies in our own address space.</summary>
    internal nint Address => handle;

    /// <inheritdoc/>
    public override bool IsInvalid => handle == -1;

    /// <summary>Maps readable and writable zeroed memory, the length rounded up to whole pages.</summary>
    /// <exception cref="SyscallException">mmap was refused (ENOMEM: address space or overcommit limit).</exception>
    internal static AnonymousMapping Create(int length)
    {
        int rounded = checked((length + PageSize - 1) & -PageSize);
        nint address = LibC.mmap(0, (nuint)rounded, LibC.PROT_READ | LibC.PROT_WRITE,
            LibC.MAP_SHARED | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE, -1, 0);
        return address == -1
            ? throw new SyscallException($"mmap {rounded} bytes", Marshal.GetLastPInvokeError())
            : new AnonymousMapping(address, rounded);
    }

    /// <summary>Makes whole pages readable and executable, and no longer writable.</summary>
    /// <param name="offset">Byte offset of the first page.</param>
    /// <param name="length">Bytes, a multiple of the page size.</param>
    /// <exception cref="SyscallException">mprotect was refused (EACCES: a policy forbids code that was written).</exception>
    internal void MakeExecutable(int offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + length, Length);
        if (LibC.mprotect(handle + offset, (nuint)length, LibC.PROT_READ | LibC.PROT_EXEC) != 0)
            throw new SyscallException($"mprotect {length} bytes r-x", Marshal.GetLastPInvokeError());
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibC.munmap(handle, (nuint)Length) == 0;
}
