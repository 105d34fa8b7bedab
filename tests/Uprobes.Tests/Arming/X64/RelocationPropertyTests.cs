using CsCheck;
using Uprobes.Arming.X64;

namespace Uprobes.Tests.Arming.X64;

/// <summary>What holds for any bytes at any address.</summary>
public class RelocationPropertyTests
{
    private static readonly Gen<byte> AnyByte = Gen.Byte;

    /// <summary>Prefixes and opcodes with rules of their own come up far more often than chance would have it.</summary>
    private static readonly byte[] Notable =
        [0x66, 0x67, 0x2E, 0x3E, 0x64, 0xF0, 0xF2, 0xF3, 0x48, 0x41, 0xFF, 0xE8, 0xE9, 0xEB, 0x0F, 0x74, 0xE2, 0xC3, 0x05, 0x25, 0x15, 0x24, 0x54, 0xC4, 0x62];

    private static readonly Gen<byte> Loaded = Gen.Frequency((3, AnyByte), (2, Gen.Int[0, Notable.Length - 1].Select(index => Notable[index])));

    [Fact]
    public void Any_bytes_are_relocated_correctly_or_refused_with_a_message() =>
        Loaded.Array[0, 15].Sample(
            bytes =>
            {
                foreach ((ulong slot, bool stop) in ((ulong, bool)[])[(TestLayout.NearSlot, false), (TestLayout.FarSlot, false), (TestLayout.NearSlot, true)])
                {
                    bool relocates = InstructionRelocator.TryRelocate(bytes, TestLayout.Site, slot, stop, out RelocatedInstruction? relocated, out RelocationRefusal? refusal);
                    Assert.Equal(relocates, refusal is null);
                    if (relocates)
                        RelocationCheck.Verify(new(Iced.Intel.Code.INVALID, "random", bytes[..relocated!.OriginalLength]), relocated, slot);
                    else
                        Assert.NotEmpty(refusal!.Message);
                }
            },
            iter: 100_000);

    [Fact]
    public void Bytes_behind_the_instruction_change_nothing() =>
        Gen.Select(Loaded.Array[15], AnyByte.Array[15]).Sample(
            (first, second) =>
            {
                if (!InstructionRelocator.TryRelocate(first, TestLayout.Site, TestLayout.NearSlot, false, out RelocatedInstruction? relocated, out _))
                    return;
                int length = relocated.OriginalLength;
                Assert.True(InstructionRelocator.TryRelocate(
                    [.. first[..length], .. second[length..]], TestLayout.Site, TestLayout.NearSlot, false, out RelocatedInstruction? again, out _));
                Assert.Equal(relocated.Code, again.Code);
                Assert.Equal(relocated.Positions, again.Positions);
            },
            iter: 20_000);
}
