namespace Uprobes.Images.Types;

/// <summary>The address ranges of entries: DW_AT_ranges (DWARF 5, 2.17.3), or DW_AT_low_pc with DW_AT_high_pc.</summary>
/// <param name="units">The units.</param>
internal sealed class RangeList(DebugUnits units)
{
    // For all lists that are asked for: units could all mean the same long one.
    private const int MostRanges = 1 << 22;
    private int _read;

    /// <summary>Whether there were more ranges than are read: some are missing.</summary>
    internal bool RanOut => _read > MostRanges;

    /// <summary>The ranges of an entry, in the list's order; those at 0 are of functions that the linker dropped.</summary>
    internal List<(ulong Start, ulong End)> Of(DebugEntry entry)
    {
        DebugSections sections = units.Sections;
        AttributeValue ranges = entry.Find(sections, DwarfAttribute.Ranges);
        List<(ulong Start, ulong End)> found = [];
        if (!ranges.IsNone)
        {
            if (entry.Unit.Version >= 5)
                ReadLists(entry.Unit, ranges, found);
            else
                ReadPairs(entry.Unit, ranges.Number, found);
            return found;
        }

        if (entry.Find(sections, DwarfAttribute.LowPc) is not { Class: AttributeClass.Address, Number: var low })
            return found;
        AttributeValue high = entry.Find(sections, DwarfAttribute.HighPc);
        ulong end = high.Class == AttributeClass.Address ? high.Number : low + (high.Unsigned ?? 0);
        if (low != 0)
            found.Add((low, end));
        return found;
    }

    private static void Add(List<(ulong Start, ulong End)> found, ulong start, ulong end)
    {
        if (start != 0 && end > start)
            found.Add((start, end));
    }

    private void ReadPairs(DebugUnit unit, ulong offset, List<(ulong Start, ulong End)> found)
    {
        var reader = new SpanReader(units.Sections.Ranges);
        if (offset > (ulong)units.Sections.Ranges.Length || !reader.TrySeek((long)offset))
            return;
        ulong from = unit.BaseAddress;
        while (_read++ < MostRanges && reader.TryReadUInt64(out ulong start) && reader.TryReadUInt64(out ulong end) && (start != 0 || end != 0))
        {
            if (start == ulong.MaxValue)
                from = end;
            else
                Add(found, unchecked(from + start), unchecked(from + end));
        }
    }

    private void ReadLists(DebugUnit unit, AttributeValue ranges, List<(ulong Start, ulong End)> found)
    {
        byte[] section = units.Sections.RangeLists;
        ulong? offset = ranges.Class == AttributeClass.RangeListIndex
            ? unit.RangeListsBase + DebugSections.NumberAt(section, unit.RangeListsBase, ranges.Number, unit.IsWide)
            : ranges.Number;
        var reader = new SpanReader(section);
        if (offset is not { } start || start > (ulong)section.Length || !reader.TrySeek((long)start))
            return;
        ulong from = unit.BaseAddress;
        while (_read++ < MostRanges && reader.TryReadByte(out byte kind) && kind != 0 && TryReadEntry(ref reader, unit, kind, ref from, found))
        {
        }
    }

    private bool TryReadEntry(ref SpanReader reader, DebugUnit unit, byte kind, ref ulong from, List<(ulong Start, ulong End)> found)
    {
        ulong first = 0, second = 0;
        bool read = kind switch
        {
            1 => reader.TryReadUleb(out first), // DW_RLE_base_addressx
            2 or 3 or 4 => reader.TryReadUleb(out first) && reader.TryReadUleb(out second), // startx_endx, startx_length, offset_pair
            5 => reader.TryReadUInt64(out first), // base_address
            6 => reader.TryReadUInt64(out first) && reader.TryReadUInt64(out second), // start_end
            7 => reader.TryReadUInt64(out first) && reader.TryReadUleb(out second), // start_length
            _ => false,
        };
        if (!read)
            return false;
        switch (kind)
        {
            case 1:
                from = AddressAt(first);
                break;
            case 2:
                Add(found, AddressAt(first), AddressAt(second));
                break;
            case 3:
                Add(found, AddressAt(first), unchecked(AddressAt(first) + second));
                break;
            case 4:
                Add(found, unchecked(from + first), unchecked(from + second));
                break;
            case 5:
                from = first;
                break;
            case 6:
                Add(found, first, second);
                break;
            case 7:
                Add(found, first, unchecked(first + second));
                break;
        }

        return true;

        ulong AddressAt(ulong index) => DebugSections.NumberAt(units.Sections.Addresses, unit.AddressBase, index, isWide: true) ?? 0;
    }
}
