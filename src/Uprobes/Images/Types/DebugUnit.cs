namespace Uprobes.Images.Types;

/// <summary>
/// One unit of <c>.debug_info</c>: its header (DWARF 5, 7.5.1; versions 2 to 5), and what its first entry says of all others. Offsets are those of
/// the section. Immutable once it was read.
/// </summary>
internal sealed class DebugUnit
{
    private const byte CompileKind = 1, TypeKind = 2, PartialKind = 3, SkeletonKind = 4, SplitTypeKind = 6;
    private const int AddressBytes = 8;

    private DebugUnit()
    {
    }

    /// <summary>Where it starts.</summary>
    internal required int Offset { get; init; }

    /// <summary>Where its entries end.</summary>
    internal required int End { get; init; }

    /// <summary>Where its first entry is.</summary>
    internal int FirstEntry { get; private set; }

    internal ushort Version { get; private set; }

    /// <summary>Whether offsets have eight bytes.</summary>
    internal required bool IsWide { get; init; }

    /// <summary>Where its abbreviations are.</summary>
    internal ulong AbbreviationsOffset { get; private set; }

    /// <summary>Its type's signature, where it is a type unit.</summary>
    internal ulong? Signature { get; private set; }

    /// <summary>Where the type that the signature means is.</summary>
    internal int SignedType { get; private set; }

    /// <summary>Whether it only says which other file its entries are in.</summary>
    internal bool IsSkeleton { get; private set; }

    /// <summary>Whether all of its entries but the first are in another file (<c>.dwo</c>).</summary>
    internal bool IsElsewhere { get; set; }

    /// <summary>What it has in common with others.</summary>
    internal required DebugPart Part { get; init; }

    internal AbbreviationTable? Abbreviations { get; set; }

    internal ulong TextOffsetsBase { get; set; }

    internal ulong AddressBase { get; set; }

    internal ulong RangeListsBase { get; set; }

    /// <summary>What ranges are relative to.</summary>
    internal ulong BaseAddress { get; set; }

    /// <summary>The source's language, by DWARF's number.</summary>
    internal SourceLanguage Language { get; set; }

    /// <summary>Where its line table is in <c>.debug_line</c>; null where it has none.</summary>
    internal ulong? LineTable { get; set; }

    /// <summary>Whether it is C, of any year: its functions are in no namespaces.</summary>
    internal bool IsC => (int)Language is 0x01 or 0x02 or 0x0c or 0x1d or 0x2c or 0x3e;

    /// <summary>Whether it is C++, of any year.</summary>
    internal bool IsCPlusPlus => (int)Language is 0x04 or 0x1a or 0x21 or 0x2b or 0x3a;

    /// <summary>Whether an offset is that of an entry, or could be.</summary>
    internal bool Contains(int offset) => offset >= FirstEntry && offset < End;

    /// <summary>Reads the header at an offset.</summary>
    /// <param name="info">The section.</param>
    /// <param name="part">What it is of.</param>
    /// <param name="offset">Where it starts.</param>
    /// <param name="unit">The unit, or null where it cannot be read.</param>
    /// <param name="end">Where the next one starts.</param>
    /// <returns>False at the end, or where not even the length can be read.</returns>
    internal static bool TryRead(ReadOnlySpan<byte> info, DebugPart part, int offset, out DebugUnit? unit, out int end)
    {
        (unit, end) = (null, 0);
        var reader = new SpanReader(info[..Math.Min(part.End, info.Length)]);
        if (!reader.TrySeek(offset) || !reader.TryReadUInt32(out uint shortLength))
            return false;
        ulong length = shortLength;
        bool isWide = shortLength == uint.MaxValue;
        if ((isWide && !reader.TryReadUInt64(out length)) || length > (ulong)reader.Remaining)
            return false;
        end = reader.Position + (int)length;
        var made = new DebugUnit { Offset = offset, End = end, IsWide = isWide, Part = part };
        unit = made.TryReadHeader(ref reader) && made.FirstEntry <= end ? made : null;
        return true;
    }

    private bool TryReadHeader(ref SpanReader reader)
    {
        if (!reader.TryReadUInt16(out ushort version) || version is < 2 or > 5)
            return false;
        Version = version;
        byte kind = CompileKind, address;
        ulong abbreviations;
        bool read = version >= 5
            ? reader.TryReadByte(out kind) & reader.TryReadByte(out address) & TryReadOffset(ref reader, out abbreviations)
            : TryReadOffset(ref reader, out abbreviations) & reader.TryReadByte(out address);
        if (!read || address != AddressBytes || kind is < CompileKind or > SplitTypeKind)
            return false;
        if (Part.HasSignatures)
            kind = TypeKind;
        AbbreviationsOffset = (ulong)Part.Abbreviations + Math.Min(abbreviations, int.MaxValue);
        IsSkeleton = kind == SkeletonKind;
        if (kind is TypeKind or SplitTypeKind)
        {
            if (!reader.TryReadUInt64(out ulong signature) || !TryReadOffset(ref reader, out ulong type) || type > (ulong)(End - Offset))
                return false;
            (Signature, SignedType) = (signature, Offset + (int)type);
        }
        else if (kind is not (CompileKind or PartialKind) && !reader.TryReadUInt64(out _))
            return false;
        FirstEntry = reader.Position;
        return true;
    }

    private bool TryReadOffset(ref SpanReader reader, out ulong value)
    {
        if (IsWide)
            return reader.TryReadUInt64(out value);
        bool read = reader.TryReadUInt32(out uint four);
        value = four;
        return read;
    }
}

/// <summary>Languages whose functions pass arguments in ways of their own (DWARF 5, 7.12); what else there is does it as C does.</summary>
internal enum SourceLanguage
{
    Other = 0,
    Go = 0x16,
    Rust = 0x1c,
}
