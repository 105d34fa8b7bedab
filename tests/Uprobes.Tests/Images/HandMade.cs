using System.Buffers.Binary;

namespace Uprobes.Tests.Images;

/// <summary>The smallest valid program: header, one segment over the whole file, a few bytes of code, no sections.</summary>
internal static class HandMade
{
    public const int ProgramHeader = 64, Code = 120;
    public const ulong Base = 0x400000;

    public static byte[] Program()
    {
        byte[] bytes = new byte[Code + 8];
        Span<byte> span = bytes;
        "\u007fELF"u8.CopyTo(span);
        bytes[4] = 2;
        bytes[5] = 1;
        bytes[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(span[16..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(span[18..], 62);
        BinaryPrimitives.WriteUInt32LittleEndian(span[20..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(span[24..], Base + Code);
        BinaryPrimitives.WriteUInt64LittleEndian(span[32..], ProgramHeader);
        BinaryPrimitives.WriteUInt16LittleEndian(span[52..], 64);
        BinaryPrimitives.WriteUInt16LittleEndian(span[54..], 56);
        BinaryPrimitives.WriteUInt16LittleEndian(span[56..], 1);
        Span<byte> segment = span[ProgramHeader..];
        BinaryPrimitives.WriteUInt32LittleEndian(segment, 1);
        BinaryPrimitives.WriteUInt32LittleEndian(segment[4..], 5);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[16..], Base);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[32..], (ulong)bytes.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[40..], (ulong)bytes.Length);
        span[Code..].Fill(0xc3);
        return bytes;
    }
}
