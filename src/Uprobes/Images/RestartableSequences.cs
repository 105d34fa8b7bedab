using System.Buffers.Binary;
using static Uprobes.Images.ElfConstants;

namespace Uprobes.Images;

/// <summary>
/// The critical sections of restartable sequences (rseq(2)) that an image declares: <c>struct rseq_cs</c> of linux/rseq.h, by
/// convention collected in the section <c>__rseq_cs</c>. The kernel takes a thread that was stopped inside of one to its abort
/// handler, so a breakpoint in it would make it never end. Immutable.
/// </summary>
internal sealed class RestartableSequences
{
    private const string SectionName = "__rseq_cs";
    private const int DescriptorBytes = 32, StartField = 8, LengthField = 16, AbortField = 24, RelocationBytes = 24, SymbolValueField = 8;

    /// <summary>The signature in front of the abort handler, which the kernel compares.</summary>
    private const int SignatureBytes = 4;
    private readonly List<(ulong Start, ulong End)> _ranges = [];

    private RestartableSequences()
    {
    }

    /// <summary>Reads the descriptors. In position-independent files their addresses are in the relocations.</summary>
    /// <exception cref="ImageException">Malformed or ReadFailed.</exception>
    public static RestartableSequences Read(ElfFile file, DynamicSection dynamic, SegmentTable segments)
    {
        RestartableSequences sequences = new();
        foreach (ElfSection section in file.Sections)
        {
            if (section.Name != SectionName || !section.HasFileContents)
                continue;
            byte[] descriptors = file.ReadSection(section, file.Limits.RestartableSequenceBytes);
            Relocate(descriptors, section.LinkAddress.Value, file, dynamic);
            for (int at = 0; at + DescriptorBytes <= descriptors.Length; at += DescriptorBytes)
                sequences.Add(descriptors.AsSpan(at, DescriptorBytes), segments);
        }

        return sequences;
    }

    /// <summary>Whether a byte of the file is in a critical section, or in the signature of one.</summary>
    public bool Cover(FileOffset offset)
    {
        foreach ((ulong start, ulong end) in _ranges)
        {
            if (offset.Value >= start && offset.Value < end)
                return true;
        }

        return false;
    }

    private void Add(ReadOnlySpan<byte> descriptor, SegmentTable segments)
    {
        Add(BinaryPrimitives.ReadUInt64LittleEndian(descriptor[StartField..]), BinaryPrimitives.ReadUInt64LittleEndian(descriptor[LengthField..]), segments);
        Add(BinaryPrimitives.ReadUInt64LittleEndian(descriptor[AbortField..]) - SignatureBytes, SignatureBytes, segments);
    }

    private void Add(ulong address, ulong length, SegmentTable segments)
    {
        if (segments.TryGetOffset(new LinkAddress(address), out FileOffset start))
            _ranges.Add((start.Value, length > ulong.MaxValue - start.Value ? ulong.MaxValue : start.Value + length));
    }

    /// <summary>Does to a copy of a section what the dynamic linker does to it (System V ABI x86-64, table 4.9), at a load address of 0.</summary>
    private static void Relocate(byte[] bytes, ulong address, ElfFile file, DynamicSection dynamic)
    {
        if (!dynamic.TryGetTable(DT_RELA, out ulong table) || !dynamic.TryGet(DT_RELASZ, out ulong size))
            return; // Not position-independent, or packed (DT_RELR), where the addresses are in place.
        byte[] relocations = file.Source.ReadExactly(table, size, file.Limits.SymbolTableBytes, "the relocation table");
        for (int at = 0; at + RelocationBytes <= relocations.Length; at += RelocationBytes)
        {
            ReadOnlySpan<byte> entry = relocations.AsSpan(at, RelocationBytes);
            ulong place = BinaryPrimitives.ReadUInt64LittleEndian(entry) - address;
            if (bytes.Length < sizeof(ulong) || place > (ulong)bytes.Length - sizeof(ulong))
                continue;
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]), symbol = BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]);
            ulong value = BinaryPrimitives.ReadUInt64LittleEndian(entry[16..]);
            if (type == R_X86_64_64)
                value += SymbolValue(symbol, file, dynamic);
            else if (type != R_X86_64_RELATIVE)
                continue;
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan((int)place), value);
        }
    }

    private static ulong SymbolValue(uint index, ElfFile file, DynamicSection dynamic)
    {
        if (!dynamic.TryGetTable(DT_SYMTAB, out ulong table))
            throw file.Source.Malformed("a relocation refers to DT_SYMTAB, which lies in no segment");
        Span<byte> value = stackalloc byte[sizeof(ulong)];
        file.Source.ReadExactly(table + (index * (ulong)SymbolBytes) + SymbolValueField, value, "a dynamic symbol");
        return BinaryPrimitives.ReadUInt64LittleEndian(value);
    }
}
