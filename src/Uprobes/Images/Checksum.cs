namespace Uprobes.Images;

/// <summary>The CRC-32 of IEEE 802.3 (reflected, polynomial EDB88320), by which <c>.gnu_debuglink</c> knows its file.</summary>
internal static class Checksum
{
    private const uint Polynomial = 0xEDB88320;
    private static readonly uint[] Table = NewTable();

    /// <summary>Of all bytes of a file, which is read in pieces.</summary>
    /// <exception cref="ImageException">Malformed: larger than the limit. ReadFailed.</exception>
    public static uint OfFile(ByteSource source, ReadLimits limits)
    {
        if (source.Length > limits.DebugFileBytes)
            throw source.Malformed($"the debug file has {source.Length} bytes, the limit is {limits.DebugFileBytes}");
        byte[] buffer = new byte[1 << 18];
        uint value = uint.MaxValue;
        ulong offset = 0;
        for (int read; (read = source.ReadAt(offset, buffer)) > 0; offset += (ulong)read)
            value = Add(value, buffer.AsSpan(0, read));
        return ~value;
    }

    /// <summary>Of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => ~Add(uint.MaxValue, bytes);

    private static uint Add(uint value, ReadOnlySpan<byte> bytes)
    {
        foreach (byte next in bytes)
            value = Table[(byte)(value ^ next)] ^ (value >> 8);
        return value;
    }

    private static uint[] NewTable()
    {
        uint[] table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++)
                value = (value & 1) != 0 ? (value >> 1) ^ Polynomial : value >> 1;
            table[i] = value;
        }
        return table;
    }
}
