namespace Uprobes.Images.CallFrames;

/// <summary>
/// A section of call frame information: <c>.eh_frame</c> (LSB "Exception Frames") or <c>.debug_frame</c> (DWARF 5, 6.4.1). Nobody
/// vouches for its bytes. Not thread-safe.
/// </summary>
internal sealed class FrameSection
{
    private const uint LongForm = uint.MaxValue;
    private const int MostCommonEntries = 1 << 16;
    private readonly byte[] _bytes;
    private readonly ulong _address;
    private readonly bool _isForExceptions;
    private readonly Dictionary<int, CommonFrame?> _common = [];

    /// <summary>Reads nothing yet.</summary>
    /// <param name="bytes">The section.</param>
    /// <param name="address">The link-time address of its first byte.</param>
    /// <param name="isForExceptions">Whether it has the form of <c>.eh_frame</c>.</param>
    internal FrameSection(byte[] bytes, ulong address, bool isForExceptions) => (_bytes, _address, _isForExceptions) = (bytes, address, isForExceptions);

    /// <summary>The section.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The link-time address of its first byte.</summary>
    internal ulong Address => _address;

    /// <summary>Goes through all entries that can be read, as far as lengths lead.</summary>
    /// <param name="stopAtTerminator">Whether an empty entry ends the section; where its size is known it need not.</param>
    internal IEnumerable<(int Offset, FrameEntry Entry)> Entries(bool stopAtTerminator)
    {
        int offset = 0;
        while (TryReadHeader(offset, out Header header))
        {
            if (header.End == header.Field && stopAtTerminator)
                yield break;
            if (!header.IsCommon && TryReadEntry(offset, out FrameEntry entry))
                yield return (offset, entry);
            offset = header.End;
        }
    }

    /// <summary>Reads the entry at an offset of the section.</summary>
    internal bool TryReadEntry(int offset, out FrameEntry entry)
    {
        entry = default;
        if (!TryReadHeader(offset, out Header header) || header.IsCommon || CommonAt(header.Common) is not { } common)
            return false;
        var reader = new SpanReader(_bytes.AsSpan(0, header.End));
        reader.TrySeek(header.Contents);
        // A size has the form of its start, without its sign and base.
        if (!FrameReader.TryReadPointer(ref reader, common.Encoding, _address, out ulong start)
            || !FrameReader.TryReadPointer(ref reader, (byte)(common.Encoding & 0x07), 0, out ulong size)
            || start == 0 || size == 0 || size > ulong.MaxValue - start)
            return false;
        if (common.HasAugmentationData && (!reader.TryReadUleb(out ulong extra) || !reader.TrySkip(extra)))
            return false;
        entry = new FrameEntry(start, start + size, common, reader.Position, header.End);
        return true;
    }

    private readonly record struct Header(int Field, int Contents, int End, bool IsCommon, long Common);

    private bool TryReadHeader(int offset, out Header header)
    {
        header = default;
        var reader = new SpanReader(_bytes);
        if (!reader.TrySeek(offset) || !reader.TryReadUInt32(out uint shortLength))
            return false;
        ulong length = shortLength;
        bool isLong = shortLength == LongForm;
        if (isLong && !reader.TryReadUInt64(out length))
            return false;
        int field = reader.Position;
        if (length == 0)
        {
            header = new Header(field, field, field, true, 0);
            return true;
        }

        if (length > (ulong)reader.Remaining)
            return false;
        int end = field + (int)length;
        ulong id;
        bool isWide = isLong && !_isForExceptions;
        if (isWide ? !reader.TryReadUInt64(out id) : !TryReadShort(ref reader, out id))
            return false;
        if (reader.Position > end)
            return false;
        bool isCommon = id == (_isForExceptions ? 0 : isWide ? ulong.MaxValue : uint.MaxValue);
        header = new Header(field, reader.Position, end, isCommon, _isForExceptions ? field - (long)id : (long)Math.Min(id, long.MaxValue));
        return true;

        static bool TryReadShort(ref SpanReader reader, out ulong value)
        {
            bool read = reader.TryReadUInt32(out uint four);
            value = four;
            return read;
        }
    }

    private CommonFrame? CommonAt(long offset)
    {
        if (offset < 0 || offset >= _bytes.Length)
            return null;
        if (_common.TryGetValue((int)offset, out CommonFrame? known))
            return known;
        known = TryReadHeader((int)offset, out Header header) && header.IsCommon ? ReadCommon(header) : null;
        if (_common.Count < MostCommonEntries)
            _common.Add((int)offset, known);
        return known;
    }

    private CommonFrame? ReadCommon(Header header)
    {
        var reader = new SpanReader(_bytes.AsSpan(0, header.End));
        reader.TrySeek(header.Contents);
        if (!reader.TryReadByte(out byte version) || version is not (1 or 3 or 4) || !reader.TryReadString(out ReadOnlySpan<byte> augmentation))
            return null;
        // Of version 4: the size of an address, and of a segment selector.
        if (version == 4 && !(reader.TryReadByte(out byte addressSize) && addressSize == 8 && reader.TryReadByte(out byte selector) && selector == 0))
            return null;
        if (!reader.TryReadUleb(out ulong codeAlignment) || !reader.TryReadSleb(out long dataAlignment))
            return null;
        ulong returnRegister;
        if (version == 1)
        {
            if (!reader.TryReadByte(out byte one))
                return null;
            returnRegister = one;
        }
        else if (!reader.TryReadUleb(out returnRegister))
        {
            return null;
        }

        if (augmentation.IsEmpty)
            return new CommonFrame(reader.Position, header.End, codeAlignment, dataAlignment, returnRegister, 0, false, false);
        if (augmentation[0] != (byte)'z' || !reader.TryReadUleb(out ulong size))
            return null;
        int data = reader.Position;
        if (!reader.TrySkip(size))
            return null;
        int instructions = reader.Position;
        reader.TrySeek(data);
        return TryReadAugmentation(ref reader, augmentation[1..], out byte encoding, out bool isSignalFrame) && reader.Position <= instructions
            ? new CommonFrame(instructions, header.End, codeAlignment, dataAlignment, returnRegister, encoding, true, isSignalFrame)
            : null;
    }

    private static bool TryReadAugmentation(ref SpanReader reader, ReadOnlySpan<byte> letters, out byte encoding, out bool isSignalFrame)
    {
        (encoding, isSignalFrame) = (0, false);
        foreach (byte letter in letters)
        {
            bool read = letter switch
            {
                (byte)'R' => reader.TryReadByte(out encoding),
                (byte)'L' => reader.TryReadByte(out _),
                // Passed over: only its width counts, not its base.
                (byte)'P' => reader.TryReadByte(out byte personality) && FrameReader.TryReadPointer(ref reader, (byte)(personality & 0x0f), 0, out _),
                (byte)'S' => isSignalFrame = true,
                (byte)'B' or (byte)'G' => true,
                _ => false,
            };
            if (!read)
                return false;
        }

        return true;
    }
}
