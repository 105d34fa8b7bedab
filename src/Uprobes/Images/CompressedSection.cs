using System.Buffers.Binary;
using System.IO.Compression;

namespace Uprobes.Images;

/// <summary>The contents of sections that may be compressed (SHF_COMPRESSED; gABI, "Compressed Sections"), as those of debug information are.</summary>
internal static class CompressedSection
{
    private const int HeaderBytes = 24;
    private const uint Zlib = 1;

    // The least that deflate makes of anything is about a 1032nd.
    private const ulong GreatestExpansion = 1040;

    /// <summary>How many bytes a section has unpacked; null where it is not in the file, or says what cannot be.</summary>
    /// <exception cref="ImageException">ReadFailed.</exception>
    internal static ulong? SizeOf(ElfFile file, ElfSection section)
    {
        if (!section.HasFileContents && !section.IsCompressed)
            return null;
        ulong length = file.Source.Length;
        if (section.FileOffset.Value > length || section.Size > length - section.FileOffset.Value)
            return null;
        if (!section.IsCompressed)
            return section.Size;
        if (section.Size < HeaderBytes)
            return null;
        Span<byte> header = stackalloc byte[HeaderBytes];
        file.Source.ReadExactly(section.FileOffset.Value, header, section.Name);
        ulong size = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
        return BinaryPrimitives.ReadUInt32LittleEndian(header) == Zlib && size / GreatestExpansion <= section.Size ? size : null;
    }

    /// <summary>A section's bytes, unpacked.</summary>
    /// <exception cref="ImageException">Malformed: too large, packed in a way other than zlib's, or not as its header says. ReadFailed.</exception>
    internal static byte[] Read(ElfFile file, ElfSection section, ulong limit)
    {
        if (!section.IsCompressed)
            return file.ReadSection(section, limit);
        string what = $"section {section.Index} {section.Name}";
        byte[] packed = file.Source.ReadExactly(section.FileOffset.Value, section.Size, limit, what);
        if (packed.Length < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(packed) != Zlib)
            throw file.Source.Malformed($"{what} is compressed in another way than zlib's");
        ulong size = BinaryPrimitives.ReadUInt64LittleEndian(packed.AsSpan(8));
        if (size > limit || size > (ulong)Array.MaxLength || size / GreatestExpansion > (ulong)packed.Length)
            throw file.Source.Malformed($"{what} claims to have {size} bytes unpacked, the limit is {limit}");
        byte[] bytes = new byte[size];
        try
        {
            using var stream = new ZLibStream(new MemoryStream(packed, HeaderBytes, packed.Length - HeaderBytes), CompressionMode.Decompress);
            stream.ReadExactly(bytes);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw new ImageException(ImageFailureReason.Malformed, file.Source.Name, $"{what} cannot be unpacked: {error.Message}", error);
        }

        return bytes;
    }
}
