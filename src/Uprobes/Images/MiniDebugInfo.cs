using SharpCompress.Compressors.Xz;

namespace Uprobes.Images;

/// <summary>
/// <c>.gnu_debugdata</c>: an ELF file with the symbols of local functions, packed with xz, that Fedora and others put
/// into stripped files.
/// </summary>
internal static class MiniDebugInfo
{
    /// <summary>Unpacks it, or returns null where the file has none.</summary>
    /// <exception cref="ImageException">Malformed: not valid xz, or more bytes than the limits allow. ReadFailed.</exception>
    public static ElfFile? Unpack(ElfFile file)
    {
        if (file.FindSection(".gnu_debugdata") is not { } section)
            return null;
        byte[] packed = file.ReadSection(section, file.Limits.MiniDebugInfoBytes);
        string what = $".gnu_debugdata at offset {section.FileOffset}";
        ulong limit = Math.Min(file.Limits.MiniDebugInfoBytes, file.Limits.MiniDebugInfoExpansion * (ulong)packed.Length);
        if (!XzLayout.TryMeasure(packed, out XzLayout.Measure measure))
            throw file.Source.Malformed($"{what} is not valid xz");
        if (measure.UnpackedBytes > limit)
            throw file.Source.Malformed($"{what} unpacks to {measure.UnpackedBytes} bytes, the limit is {limit}");
        if (measure.DictionaryBytes > file.Limits.MiniDebugInfoDictionaryBytes)
            throw file.Source.Malformed($"{what} asks for a dictionary of {measure.DictionaryBytes} bytes, the limit is {file.Limits.MiniDebugInfoDictionaryBytes}");
        string name = $"{file.Source.Name}, .gnu_debugdata";
        byte[] unpacked = new byte[measure.UnpackedBytes];
        try
        {
            using var source = new MemoryStream(packed, 0, measure.PackedBytes, writable: false);
            using var stream = new XZStream(source);
            stream.ReadExactly(unpacked);
        }
        // The decoder meets damaged input with errors of many kinds; all of them mean the same here.
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            throw new ImageException(ImageFailureReason.Malformed, file.Source.Name, $"{what} is not valid xz: {error.Message}", error);
        }
        return ElfFile.Read(new MemoryByteSource(unpacked, name), file.Limits);
    }
}
