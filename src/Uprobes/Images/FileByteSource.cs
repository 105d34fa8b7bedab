using Microsoft.Win32.SafeHandles;

namespace Uprobes.Images;

/// <summary>
/// A file read with pread(2). It is never mapped into memory: a file that another process truncates would end this
/// process with SIGBUS.
/// </summary>
internal sealed class FileByteSource(SafeFileHandle handle, string name, ulong length) : ByteSource(name, length)
{
    /// <inheritdoc/>
    public override int ReadAt(ulong offset, Span<byte> destination)
    {
        int total = 0;
        try
        {
            while (total < destination.Length && offset + (ulong)total <= long.MaxValue)
            {
                int read = RandomAccess.Read(handle, destination[total..], (long)offset + total);
                if (read == 0)
                    break;
                total += read;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ImageException(ImageFailureReason.ReadFailed, Name, $"reading at offset 0x{offset:x} failed: {error.Message}", error);
        }
        return total;
    }
}
