using SharpCompress.Common;
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
        ulong limit = Math.Min(file.Limits.MiniDebugInfoBytes, file.Limits.MiniDebugInfoExpansion * (ulong)packed.Length);
        string name = $"{file.Source.Name}, .gnu_debugdata";
        using var unpacked = new MemoryStream();
        try
        {
            using var source = new MemoryStream(packed, writable: false);
            using var stream = new XZStream(source);
            byte[] buffer = new byte[1 << 16];
            for (int read; (read = stream.Read(buffer, 0, buffer.Length)) > 0;)
            {
                if ((ulong)unpacked.Length + (ulong)read > limit)
                    throw file.Source.Malformed($".gnu_debugdata at offset {section.FileOffset} unpacks to more than {limit} bytes");
                unpacked.Write(buffer, 0, read);
            }
        }
        // The decoder meets damaged input with errors of many kinds; all of them mean the same here.
        catch (Exception error) when (error is not (ImageException or OutOfMemoryException))
        {
            throw new ImageException(ImageFailureReason.Malformed, file.Source.Name, $".gnu_debugdata at offset {section.FileOffset} is not valid xz: {error.Message}", error);
        }
        return ElfFile.Read(new MemoryByteSource(unpacked.GetBuffer().AsMemory(0, (int)unpacked.Length), name), file.Limits);
    }
}
