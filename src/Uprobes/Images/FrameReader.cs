namespace Uprobes.Images;

/// <summary>
/// Reads the address ranges of call frame information in <c>.eh_frame</c> form (LSB "Exception Frames"; DWARF 5, 6.4).
/// The instructions that describe the frames are not looked at.
/// </summary>
internal readonly ref struct FrameReader(ReadOnlySpan<byte> frames, ulong address)
{
    private const byte Omitted = 0xff, SignedForm = 0x08, ValueForm = 0x0f, RelativeForm = 0x70, RelativeToField = 0x10, IndirectForm = 0x80;
    private const ulong MostCommonBytes = 256;
    private readonly ReadOnlySpan<byte> _frames = frames;
    private readonly ulong _address = address;

    /// <summary>How the descriptions that refer to one common entry write their start, and whether they are of signal frames.</summary>
    private readonly record struct CommonEntry(bool IsValid, byte Encoding, bool IsSignalFrame);

    /// <summary>Adds all ranges as link-time addresses, in the order of the table.</summary>
    /// <param name="stopAtTerminator">Whether the first empty entry ends the table; where the table's size is known it need not.</param>
    /// <param name="ranges">Takes starts and exclusive ends.</param>
    /// <returns>The first thing that was wrong, or null. Ranges before it, and after it where that is possible, are added.</returns>
    public string? Read(bool stopAtTerminator, List<(ulong Start, ulong End)> ranges)
    {
        string? problem = null;
        var known = new Dictionary<int, CommonEntry>();
        var reader = new SpanReader(_frames);
        while (reader.Remaining >= 4)
        {
            int start = reader.Position;
            reader.TryReadUInt32(out uint shortLength);
            ulong length = shortLength;
            if (shortLength == 0)
            {
                if (stopAtTerminator)
                    break;
                continue;
            }
            if (shortLength == uint.MaxValue && !reader.TryReadUInt64(out length) || length > (ulong)reader.Remaining || length < 4)
                return problem ?? $"the entry at 0x{start:x} has a length of 0x{length:x}, which does not fit";
            int field = reader.Position;
            int end = field + (int)length;
            reader.TryReadUInt32(out uint pointer);
            if (pointer != 0 && !TryReadRange(_frames[..end], ref reader, field - (long)pointer, known, ranges))
                problem ??= $"the entry at 0x{start:x} refers to a common entry or has an address form that cannot be read";
            reader.TrySeek(end);
        }
        return problem;
    }

    private bool TryReadRange(ReadOnlySpan<byte> entry, ref SpanReader position, long common, Dictionary<int, CommonEntry> known, List<(ulong, ulong)> ranges)
    {
        if (common < 0 || common >= _frames.Length)
            return false;
        if (!known.TryGetValue((int)common, out CommonEntry form))
        {
            form = TryReadCommon((int)common, out CommonEntry read) ? read : default;
            known.Add((int)common, form);
        }
        var reader = new SpanReader(entry);
        reader.TrySeek(position.Position);
        if (!form.IsValid || !TryReadPointer(ref reader, form.Encoding, _address, out ulong start)
            || !TryReadPointer(ref reader, (byte)(form.Encoding & ValueForm & ~SignedForm), 0, out ulong size))
            return false;
        // A signal trampoline's range begins one byte early, so that a return address at its start, minus one, is inside.
        if (form.IsSignalFrame && size > 1 && (start & 0xf) == 0xf)
            (start, size) = (start + 1, size - 1);
        // The linker leaves a zero start behind for functions that it dropped.
        if (start != 0 && size != 0 && size <= ulong.MaxValue - start)
            ranges.Add((start, start + size));
        return true;
    }

    private bool TryReadCommon(int offset, out CommonEntry form)
    {
        form = default;
        var reader = new SpanReader(_frames);
        reader.TrySeek(offset);
        if (!reader.TryReadUInt32(out uint shortLength))
            return false;
        ulong length = shortLength;
        if (shortLength == uint.MaxValue && !reader.TryReadUInt64(out length))
            return false;
        if (length > (ulong)reader.Remaining)
            return false;
        // What is needed comes first. Without this bound, entries that overlap would make reading quadratic.
        var entry = new SpanReader(_frames.Slice(reader.Position, (int)Math.Min(length, MostCommonBytes)));
        if (!entry.TryReadUInt32(out uint id) || id != 0 || !entry.TryReadByte(out byte version) || version is not (1 or 3 or 4)
            || !entry.TryReadString(out ReadOnlySpan<byte> augmentation) || (version == 4 && !entry.TrySkip(2))
            || !entry.TryReadUleb(out _) || !entry.TryReadSleb(out _)
            || !(version == 1 ? entry.TryReadByte(out _) : entry.TryReadUleb(out _)))
            return false;
        byte encoding = 0;
        bool signal = false;
        if (!augmentation.IsEmpty && (augmentation[0] != (byte)'z' || !entry.TryReadUleb(out _)))
            return false;
        foreach (byte letter in augmentation.IsEmpty ? augmentation : augmentation[1..])
        {
            bool read = letter switch
            {
                (byte)'R' => entry.TryReadByte(out encoding),
                (byte)'L' => entry.TryReadByte(out _),
                (byte)'P' => entry.TryReadByte(out byte personality) && TryReadPointer(ref entry, (byte)(personality & ~IndirectForm), 0, out _),
                (byte)'S' => signal = true,
                (byte)'B' or (byte)'G' => true,
                _ => false,
            };
            if (!read)
                return false;
        }
        form = new CommonEntry(true, encoding, signal);
        return true;
    }

    /// <summary>Reads an address in one of the DW_EH_PE forms: absolute, or relative to its own place.</summary>
    /// <param name="reader">At the address.</param>
    /// <param name="encoding">The form.</param>
    /// <param name="start">The link-time address of the reader's first byte.</param>
    /// <param name="value">The address.</param>
    /// <returns>False for omitted and indirect addresses and for bases other than these.</returns>
    public static bool TryReadPointer(ref SpanReader reader, byte encoding, ulong start, out ulong value)
    {
        value = 0;
        if (encoding == Omitted || (encoding & IndirectForm) != 0)
            return false;
        ulong place = start + (ulong)reader.Position;
        bool read = false;
        switch (encoding & ValueForm)
        {
            case 0x00 or 0x04 or 0x08 or 0x0c:
                read = reader.TryReadUInt64(out value);
                break;
            case 0x01:
                read = reader.TryReadUleb(out value);
                break;
            case 0x02 or 0x0a:
                read = reader.TryReadUInt16(out ushort two);
                value = (encoding & SignedForm) != 0 ? (ulong)(short)two : two;
                break;
            case 0x03 or 0x0b:
                read = reader.TryReadUInt32(out uint four);
                value = (encoding & SignedForm) != 0 ? (ulong)(int)four : four;
                break;
            case 0x09:
                read = reader.TryReadSleb(out long signed);
                value = (ulong)signed;
                break;
        }
        // A personality routine's base does not matter when it is only passed over; for ranges these two occur.
        switch (encoding & RelativeForm)
        {
            case 0:
                return read;
            case RelativeToField:
                value += place;
                return read;
            default:
                return false;
        }
    }
}
