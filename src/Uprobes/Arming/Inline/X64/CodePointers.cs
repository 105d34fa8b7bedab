using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Uprobes.Images;
using static Uprobes.Images.ElfConstants;

namespace Uprobes.Arming.Inline.X64;

/// <summary>
/// Marks the code that data holds addresses of: function pointers, tables of labels, initializers. In a file that can be loaded anywhere the
/// dynamic linker has to know each of them; in one with fixed addresses any eight aligned bytes can be one, and any four bytes of an instruction.
/// (Tables of four-byte addresses are not searched for: jumps through them count as computed.)
/// </summary>
internal static class CodePointers
{
    private const int RelocationBytes = 24;

    /// <summary>Marks all of an image.</summary>
    public static void Mark(ElfImage image, LoadedBytes bytes)
    {
        if (!image.IsPositionIndependent)
        {
            foreach (LoadedPiece piece in bytes.Data)
                MarkQuads(bytes, piece);
            foreach (LoadedPiece piece in bytes.Code)
                MarkWords(bytes, piece);
            return;
        }

        MarkRelocations(image.Dynamic, bytes, DT_RELA, DT_RELASZ);
        MarkRelocations(image.Dynamic, bytes, DT_JMPREL, DT_PLTRELSZ);
        // Packed relocations say where addresses are, and these are in place; looking everywhere finds them too.
        if (image.Dynamic.TryGet(DT_RELR, out _))
        {
            foreach (LoadedPiece piece in bytes.Data)
                MarkQuads(bytes, piece);
        }
    }

    private static void MarkRelocations(DynamicSection dynamic, LoadedBytes bytes, long tableTag, long sizeTag)
    {
        if (!dynamic.TryGet(tableTag, out ulong table) || !dynamic.TryGet(sizeTag, out ulong size) || !bytes.TryFind(table, out LoadedPiece piece, out int start))
            return;
        ReadOnlySpan<byte> entries = piece.Bytes.AsSpan(start, (int)Math.Min(size, (ulong)(piece.Bytes.Length - start)));
        bool hasSymbols = dynamic.TryGet(DT_SYMTAB, out ulong symbols);
        for (; entries.Length >= RelocationBytes; entries = entries[RelocationBytes..])
        {
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(entries[8..]), symbol = BinaryPrimitives.ReadUInt32LittleEndian(entries[12..]);
            ulong value = BinaryPrimitives.ReadUInt64LittleEndian(entries[16..]);
            if (type == R_X86_64_64 && hasSymbols && bytes.TryFind(symbols + (symbol * (ulong)SymbolBytes) + 8, out LoadedPiece holder, out int at)
                && at <= holder.Bytes.Length - sizeof(ulong))
                bytes.Point(value + BinaryPrimitives.ReadUInt64LittleEndian(holder.Bytes.AsSpan(at)));
            else if (type is R_X86_64_RELATIVE or R_X86_64_IRELATIVE)
                bytes.Point(value);
        }
    }

    private static void MarkQuads(LoadedBytes bytes, LoadedPiece piece)
    {
        int skip = (int)(-(long)piece.Address & 7);
        foreach (ulong value in MemoryMarshal.Cast<byte, ulong>(piece.Bytes.AsSpan(Math.Min(skip, piece.Bytes.Length))))
            bytes.Point(value);
    }

    private static void MarkWords(LoadedBytes bytes, LoadedPiece piece)
    {
        foreach (LoadedPiece code in bytes.Code)
        {
            var marks = new WordMarks(code);
            WordScan.Run(piece.Bytes, (uint)code.Address, (uint)code.Bytes.Length, ref marks);
        }
    }
}
