namespace Uprobes.Images;

/// <summary>
/// Measures an xz stream without unpacking it (the .xz file format 1.1; LZMA2 chunk headers). A decoder reserves the
/// dictionary that a header asks for, up to 4 GiB; so that is looked at before one is started.
/// </summary>
internal static class XzLayout
{
    private const int HeaderBytes = 12, FooterBytes = 12;
    private const ulong Lzma2Filter = 0x21;

    /// <summary>What unpacking the first stream of some bytes takes.</summary>
    /// <param name="PackedBytes">The stream's own length.</param>
    /// <param name="UnpackedBytes">How many bytes it unpacks to.</param>
    /// <param name="DictionaryBytes">The largest dictionary that a block asks for.</param>
    internal readonly record struct Measure(int PackedBytes, ulong UnpackedBytes, ulong DictionaryBytes);

    /// <summary>Measures the stream; false where it is damaged or uses filters other than LZMA2 alone.</summary>
    public static bool TryMeasure(ReadOnlySpan<byte> bytes, out Measure measure)
    {
        measure = default;
        if (bytes.Length < HeaderBytes || bytes[0] != 0xfd || !bytes[1..].StartsWith("7zXZ\0\0"u8))
            return false;
        // The size of each block's check follows from its kind: 0, 1 (CRC-32), 4 (CRC-64), 10 (SHA-256).
        int kind = bytes[7] & 0xf;
        ulong check = kind == 0 ? 0 : 4UL << ((kind - 1) / 3);
        var reader = new SpanReader(bytes);
        reader.TrySeek(HeaderBytes);
        ulong unpacked = 0, dictionary = 0;
        while (reader.TryReadByte(out byte size))
        {
            if (size == 0)
            {
                if (!TryEnd(ref reader, out int end))
                    return false;
                measure = new Measure(end, unpacked, dictionary);
                return true;
            }
            int body = reader.Position - 1 + ((size + 1) * 4);
            if (!TryReadFilter(ref reader, out ulong asked) || !reader.TrySeek(body) || !TryWalkChunks(ref reader, ref unpacked))
                return false;
            dictionary = Math.Max(dictionary, asked);
            if (!reader.TrySkip((4UL - ((ulong)reader.Position % 4)) % 4) || !reader.TrySkip(check))
                return false;
        }
        return false;
    }

    private static bool TryReadFilter(ref SpanReader reader, out ulong dictionary)
    {
        dictionary = 0;
        if (!reader.TryReadByte(out byte flags) || (flags & 0x3f) != 0
            || ((flags & 0x40) != 0 && !reader.TryReadUleb(out _)) || ((flags & 0x80) != 0 && !reader.TryReadUleb(out _))
            || !reader.TryReadUleb(out ulong filter) || filter != Lzma2Filter
            || !reader.TryReadUleb(out ulong properties) || properties != 1 || !reader.TryReadByte(out byte bits) || bits > 40)
            return false;
        dictionary = bits == 40 ? uint.MaxValue : (2UL | (bits & 1UL)) << ((bits / 2) + 11);
        return true;
    }

    private static bool TryWalkChunks(ref SpanReader reader, ref ulong unpacked)
    {
        while (reader.TryReadByte(out byte control))
        {
            if (control == 0)
                return true;
            if (!TryReadBigEndian(ref reader, out ulong size))
                return false;
            if (control is 1 or 2)
            {
                unpacked += size;
                if (!reader.TrySkip(size))
                    return false;
                continue;
            }
            unpacked += size + ((control & 0x1fUL) << 16);
            if (control < 0x80 || !TryReadBigEndian(ref reader, out ulong packed) || !reader.TrySkip(packed + (control >= 0xc0 ? 1UL : 0UL)))
                return false;
        }
        return false;
    }

    // Sizes are stored less one.
    private static bool TryReadBigEndian(ref SpanReader reader, out ulong size)
    {
        bool read = reader.TryReadByte(out byte high) & reader.TryReadByte(out byte low);
        size = (((ulong)high << 8) | low) + 1;
        return read;
    }

    // The index repeats the sizes of the blocks; its end is padded, then come its checksum and the footer.
    private static bool TryEnd(ref SpanReader reader, out int end)
    {
        end = 0;
        if (!reader.TryReadUleb(out ulong records))
            return false;
        for (ulong i = 0; i < records; i++)
        {
            if (!reader.TryReadUleb(out _) || !reader.TryReadUleb(out _))
                return false;
        }
        if (!reader.TrySkip((4UL - ((ulong)reader.Position % 4)) % 4) || !reader.TrySkip(4) || !reader.TrySkip(FooterBytes))
            return false;
        end = reader.Position;
        return true;
    }
}
