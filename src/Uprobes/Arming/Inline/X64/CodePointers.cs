using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Uprobes.Images;
using static Uprobes.Images.ElfConstants;

namespace Uprobes.Arming.Inline.X64;

/// <summary>
/// Marks the code that data holds addresses of: function pointers, tables of labels, initializers. In a file that can be loaded anywhere the
/// dynamic linker has to know each of them; in one with fixed addresses any four or eight bytes can be one, also in an instruction.
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
                MarkWords(bytes, piece, step: 4);
            foreach (LoadedPiece piece in bytes.Code)
                MarkWords(bytes, piece, step: 1);
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

    /// <summary>The low four bytes are enough to find an eight-byte address too: such a file lies below 4 GiB, or holds no four-byte ones.</summary>
    private static void MarkWords(LoadedBytes bytes, LoadedPiece piece, int step)
    {
        foreach (LoadedPiece code in bytes.Code)
        {
            Vector256<uint> start = Vector256.Create((uint)code.Address), length = Vector256.Create((uint)code.Bytes.Length);
            ref byte first = ref MemoryMarshal.GetArrayDataReference(piece.Bytes);
            int index = step == 1 ? 0 : (int)(-(long)piece.Address & (step - 1));
            for (; index + Vector256<byte>.Count + 3 <= piece.Bytes.Length; index += Vector256<byte>.Count)
            {
                for (int shift = 0; shift < 4; shift += step)
                {
                    Vector256<uint> values = Vector256.LoadUnsafe(ref first, (nuint)(index + shift)).AsUInt32();
                    for (uint found = Vector256.LessThan(values - start, length).ExtractMostSignificantBits(); found != 0; found &= found - 1)
                        MarkWord(code, piece, index + shift + (4 * BitOperations.TrailingZeroCount(found)));
                }
            }

            for (; index + 4 <= piece.Bytes.Length; index += step)
                MarkWord(code, piece, index);
        }
    }

    private static void MarkWord(LoadedPiece code, LoadedPiece piece, int index)
    {
        uint distance = (uint)piece.Int32At(index) - (uint)code.Address;
        if (distance < (uint)code.Bytes.Length)
            code.MarkPointed((int)distance);
    }
}
