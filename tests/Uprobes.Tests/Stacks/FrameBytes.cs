using System.Buffers.Binary;
using Uprobes.Images.CallFrames;

namespace Uprobes.Tests.Stacks;

/// <summary>Call frame information made by hand: one common entry and one entry for 0x1000 to 0x2000.</summary>
internal static class FrameBytes
{
    internal const ulong Start = 0x1000, End = 0x2000;

    /// <summary>CFA = rsp + 8, return address at CFA - 8; offsets in units of -8.</summary>
    internal static readonly byte[] AsCalled = [0x0c, 7, 8, 0x90, 1];

    internal static byte[] ExceptionFrames(byte[] common, byte[] instructions, string letters = "R")
    {
        List<byte> bytes = [];
        byte[] augmentation = [.. letters.Select(letter => letter switch { 'R' => (byte)0x00, 'L' => (byte)0x1b, _ => (byte)0xff }).Where(b => b != 0xff)];
        Entry(bytes, [.. Word(0), 1, (byte)'z', .. letters.Select(c => (byte)c), 0, 1, 0x78, 16, (byte)augmentation.Length, .. augmentation, .. common]);
        int start = bytes.Count;
        Entry(bytes, [.. Word(start + 4), .. Long(Start), .. Long(End - Start), 0, .. instructions]);
        return [.. bytes, 0, 0, 0, 0];
    }

    internal static byte[] DebugFrames(byte[] common, byte[] instructions, byte version = 4)
    {
        List<byte> bytes = [];
        byte[] sizes = version == 4 ? [8, 0] : [];
        Entry(bytes, [0xff, 0xff, 0xff, 0xff, version, 0, .. sizes, 1, 0x78, 16, .. common]);
        Entry(bytes, [.. Word(0), .. Long(Start), .. Long(End - Start), .. instructions]);
        return [.. bytes];
    }

    /// <summary>The row at so many bytes behind the range's start.</summary>
    internal static FrameRow? RowAt(byte[] instructions, ulong offset = 0xfff, byte[]? common = null)
    {
        var section = new FrameSection(ExceptionFrames(common ?? AsCalled, instructions), 0, isForExceptions: true);
        (_, FrameEntry entry) = Assert.Single(section.Entries(stopAtTerminator: true));
        Assert.Equal((Start, End), (entry.Start, entry.End));
        return FrameProgram.Run(section, entry, Start + offset);
    }

    internal static byte[] Long(ulong value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes;
    }

    private static byte[] Word(int value) => Long((ulong)value)[..4];

    private static void Entry(List<byte> bytes, List<byte> contents)
    {
        bytes.AddRange(Word(contents.Count));
        bytes.AddRange(contents);
    }
}
