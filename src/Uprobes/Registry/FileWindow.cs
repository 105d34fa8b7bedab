using Uprobes.Images;

namespace Uprobes.Registry;

/// <summary>
/// Reads a file at many places that ascend, in large pieces. What it shows is as old as the piece, so it serves for one registration.
/// </summary>
internal sealed class FileWindow(ElfImage elf)
{
    private const int Size = 16 * 1024;
    private readonly byte[] _bytes = new byte[Size];
    private ulong _start;
    private int _length;

    internal ElfImage Elf { get; } = elf;

    /// <summary>The bytes from an offset on; fewer than asked for at the end of the file. Valid until the next call.</summary>
    /// <exception cref="ImageException">ReadFailed.</exception>
    internal ReadOnlySpan<byte> Read(FileOffset offset, int length)
    {
        if (offset.Value < _start || offset.Value + (ulong)length > _start + (ulong)_length)
        {
            _start = offset.Value;
            _length = Elf.Read(offset, _bytes);
        }

        return _bytes.AsSpan((int)(offset.Value - _start), Math.Min(length, _length - (int)(offset.Value - _start)));
    }
}
