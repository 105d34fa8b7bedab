namespace Uprobes.Images;

/// <summary>An unpacked part of a file.</summary>
internal sealed class MemoryByteSource(ReadOnlyMemory<byte> bytes, string name) : ByteSource(name, (ulong)bytes.Length)
{
    /// <inheritdoc/>
    public override int ReadAt(ulong offset, Span<byte> destination)
    {
        if (offset >= Length)
            return 0;
        ReadOnlySpan<byte> rest = bytes.Span[(int)offset..];
        int count = Math.Min(rest.Length, destination.Length);
        rest[..count].CopyTo(destination);
        return count;
    }
}
