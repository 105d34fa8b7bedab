using System.Text;

namespace Uprobes.Images;

/// <summary>
/// Bytes that a parser takes exact pieces of: a file, or an unpacked copy of a part of one. Every read is checked
/// against the length and a limit before memory is taken. Thread-safe.
/// </summary>
internal abstract class ByteSource(string name, ulong length)
{
    /// <summary>What errors call the bytes.</summary>
    public string Name { get; } = name;

    /// <summary>Their count; a file's is that of the moment it was opened.</summary>
    public ulong Length { get; } = length;

    /// <summary>Reads up to the span's length; fewer bytes only where the source ends.</summary>
    /// <exception cref="ImageException">ReadFailed: the read itself was refused.</exception>
    public abstract int ReadAt(ulong offset, Span<byte> destination);

    /// <summary>Reads exactly <paramref name="count"/> bytes into a new array.</summary>
    /// <exception cref="ImageException">Malformed: outside the source or above the limit. ReadFailed: the file has shrunk.</exception>
    public byte[] ReadExactly(ulong offset, ulong count, ulong limit, string what)
    {
        if (count > limit || count > (ulong)Array.MaxLength)
            throw Malformed($"{what} has {count} bytes, the limit is {limit}");
        CheckRange(offset, count, what);
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)count);
        Fill(offset, bytes, what);
        return bytes;
    }

    /// <summary>Reads exactly the span's length.</summary>
    public void ReadExactly(ulong offset, Span<byte> destination, string what)
    {
        CheckRange(offset, (ulong)destination.Length, what);
        Fill(offset, destination, what);
    }

    /// <summary>Reads a string that ends in NUL within <paramref name="limit"/> bytes.</summary>
    public string ReadString(ulong offset, int limit, string what)
    {
        CheckRange(offset, 1, what);
        // Most strings are short: one small read, then one of the full limit.
        Span<byte> small = stackalloc byte[128];
        for (int attempt = 0; attempt < 2; attempt++)
        {
            Span<byte> buffer = attempt == 0 ? small[..Math.Min(limit, small.Length)] : new byte[Math.Min((ulong)limit, Length - offset)];
            buffer = buffer[..ReadAt(offset, buffer)];
            int end = buffer.IndexOf((byte)0);
            if (end >= 0)
                return Encoding.UTF8.GetString(buffer[..end]);
        }
        throw Malformed($"{what} at offset 0x{offset:x} does not end within {limit} bytes");
    }

    /// <summary>The error for contents that no valid file has.</summary>
    public ImageException Malformed(string problem) => new(ImageFailureReason.Malformed, Name, problem);

    private void CheckRange(ulong offset, ulong count, string what)
    {
        if (offset > Length || count > Length - offset)
            throw Malformed($"{what} is said to be at offset 0x{offset:x} with {count} bytes, but the file has 0x{Length:x}");
    }

    private void Fill(ulong offset, Span<byte> destination, string what)
    {
        int read = ReadAt(offset, destination);
        if (read < destination.Length)
            throw new ImageException(ImageFailureReason.ReadFailed, Name, $"{what} at offset 0x{offset:x} ended after {read} of {destination.Length} bytes: the file was truncated");
    }
}
