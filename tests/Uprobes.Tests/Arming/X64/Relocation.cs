using Uprobes.Arming.X64;

namespace Uprobes.Tests.Arming.X64;

/// <summary>The relocator with bytes written as hexadecimal text, and with addresses that make the vectors readable.</summary>
internal static class Relocation
{
    /// <summary>Where the displaced instruction stands.</summary>
    public const ulong Site = 0x0040_1000;

    /// <summary>A slot within reach of the site.</summary>
    public const ulong NearSlot = 0x0050_2000;

    /// <summary>A slot beyond 2 GiB of the site.</summary>
    public const ulong FarSlot = 0x7FFF_F7F0_0000;

    public static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    public static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    public static RelocatedInstruction Accept(string hex, ulong destination = NearSlot, bool stopAfter = false, ulong site = Site)
    {
        bool relocates = InstructionRelocator.TryRelocate(Bytes(hex), site, destination, stopAfter, out RelocatedInstruction? relocated, out RelocationRefusal? refusal);
        Assert.True(relocates, refusal?.Message);
        return relocated!;
    }

    public static RelocationRefusal Refuse(string hex, ulong destination = NearSlot, bool stopAfter = false, ulong site = Site)
    {
        bool relocates = InstructionRelocator.TryRelocate(Bytes(hex), site, destination, stopAfter, out _, out RelocationRefusal? refusal);
        Assert.False(relocates, $"{hex} was relocated");
        return refusal!;
    }

    public static void Gives(string hex, string expected, ulong destination = NearSlot, bool stopAfter = false) =>
        Assert.Equal(expected.Replace(" ", "", StringComparison.Ordinal), Hex(Accept(hex, destination, stopAfter).Code));
}
