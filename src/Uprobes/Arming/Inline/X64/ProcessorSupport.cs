using System.Buffers.Binary;
using Uprobes.Channels;
using Uprobes.Channels.X64;

namespace Uprobes.Arming.Inline.X64;

/// <summary>Whether this machine can run programs in its processes.</summary>
internal static class ProcessorSupport
{
    private const ulong AT_HWCAP2 = 26;

    /// <summary>HWCAP2_FSGSBASE (arch/x86/include/uapi/asm/hwcap2.h): <c>rdfsbase</c> is allowed in user mode; Linux 5.9.</summary>
    private const ulong FsGsBase = 2;

    /// <summary>Null, or why not: a sentence for the user.</summary>
    internal static string? Obstacle { get; } = Find();

    private static string? Find()
    {
        ReadOnlySpan<byte> vector = File.ReadAllBytes("/proc/self/auxv");
        ulong capabilities = 0;
        for (; vector.Length >= 16; vector = vector[16..])
        {
            if (BinaryPrimitives.ReadUInt64LittleEndian(vector) == AT_HWCAP2)
                capabilities = BinaryPrimitives.ReadUInt64LittleEndian(vector[8..]);
        }

        return (capabilities & FsGsBase) == 0 ? "this kernel does not let programs read the FS base (FSGSBASE, Linux 5.9)"
            : TickClock.Support != TickCounterSupport.Usable ? "this machine's time stamp counter does not run at one rate"
            : null;
    }
}
