using Uprobes.Linux;

namespace Uprobes.Tests.Programs.X64;

/// <summary>Memory of this process at an address of the test's choice, or anywhere.</summary>
internal sealed unsafe class MachineMemory : IDisposable
{
    private const int Private = 2, FixedNoReplace = 0x100000;

    internal MachineMemory(ulong address, long length, bool isExecutable = false)
    {
        int protection = LibC.PROT_READ | LibC.PROT_WRITE | (isExecutable ? LibC.PROT_EXEC : 0);
        int flags = Private | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE | (address == 0 ? 0 : FixedNoReplace);
        nint at = LibC.mmap((nint)address, (nuint)length, protection, flags, -1, 0);
        Assert.True(at != -1 && (address == 0 || at == (nint)address), $"mmap at {address:x}");
        (Address, Length) = ((ulong)at, length);
    }

    internal ulong Address { get; }

    internal long Length { get; }

    internal ref ulong this[long offset] => ref *(ulong*)(Address + (ulong)offset);

    internal Span<byte> Bytes(long offset, int length) => new((void*)(Address + (ulong)offset), length);

    public void Dispose() => Assert.Equal(0, LibC.munmap((nint)Address, (nuint)Length));
}
