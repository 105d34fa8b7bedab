using System.Buffers.Binary;

namespace Uprobes.Images;

/// <summary>A checked little-endian reader over bytes that nobody vouches for: every read can say no.</summary>
internal ref struct SpanReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>The next byte's index.</summary>
    public int Position { get; private set; }

    /// <summary>How many bytes are left.</summary>
    public readonly int Remaining => _bytes.Length - Position;

    /// <summary>Moves to an index of the span, its end included.</summary>
    public bool TrySeek(long position)
    {
        if (position < 0 || position > _bytes.Length)
            return false;
        Position = (int)position;
        return true;
    }

    /// <summary>Leaves out some bytes.</summary>
    public bool TrySkip(ulong count) => count <= (ulong)Remaining && TrySeek(Position + (long)count);

    /// <summary>Reads one byte.</summary>
    public bool TryReadByte(out byte value)
    {
        value = Remaining >= 1 ? _bytes[Position] : (byte)0;
        return TrySkip(1);
    }

    /// <summary>Reads two bytes.</summary>
    public bool TryReadUInt16(out ushort value)
    {
        value = Remaining >= 2 ? BinaryPrimitives.ReadUInt16LittleEndian(_bytes[Position..]) : (ushort)0;
        return TrySkip(2);
    }

    /// <summary>Reads four bytes.</summary>
    public bool TryReadUInt32(out uint value)
    {
        value = Remaining >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(_bytes[Position..]) : 0;
        return TrySkip(4);
    }

    /// <summary>Reads eight bytes.</summary>
    public bool TryReadUInt64(out ulong value)
    {
        value = Remaining >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(_bytes[Position..]) : 0;
        return TrySkip(8);
    }

    /// <summary>Reads some bytes.</summary>
    public bool TryReadBytes(ulong count, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (count > (ulong)Remaining)
            return false;
        value = _bytes.Slice(Position, (int)count);
        return TrySkip(count);
    }

    /// <summary>Reads the bytes up to a NUL, which is passed over too.</summary>
    public bool TryReadString(out ReadOnlySpan<byte> value)
    {
        int end = _bytes[Position..].IndexOf((byte)0);
        value = end < 0 ? default : _bytes.Slice(Position, end);
        return end >= 0 && TrySkip((ulong)end + 1);
    }

    /// <summary>Reads a LEB128 number (DWARF 5, 7.6) without sign; bits above 64 are refused.</summary>
    public bool TryReadUleb(out ulong value)
    {
        value = 0;
        for (int shift = 0; TryReadByte(out byte part); shift += 7)
        {
            if (shift > 63 || (shift == 63 && (part & 0x7e) != 0))
                return false;
            value |= (ulong)(part & 0x7f) << shift;
            if ((part & 0x80) == 0)
                return true;
        }
        return false;
    }

    /// <summary>Reads a LEB128 number (DWARF 5, 7.6) with sign.</summary>
    public bool TryReadSleb(out long value)
    {
        value = 0;
        for (int shift = 0; shift < 70 && TryReadByte(out byte part); shift += 7)
        {
            if (shift < 64)
                value |= (long)(part & 0x7f) << shift;
            if ((part & 0x80) != 0)
                continue;
            if (shift < 57 && (part & 0x40) != 0)
                value |= -1L << (shift + 7);
            return true;
        }
        return false;
    }
}
