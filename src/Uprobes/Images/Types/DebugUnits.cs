namespace Uprobes.Images.Types;

/// <summary>The units of <c>.debug_info</c>, and their entries by offset. Thread-safe once it was made.</summary>
internal sealed class DebugUnits
{
    private const int MostUnits = 1 << 20;

    // An entry may stand for another, which may be a declaration elsewhere: two steps are usual.
    private const int MostOrigins = 8;

    // Tables of units do not overlap, or are the same one: all of them together are as long as the section.
    private const long AbbreviationPasses = 4;

    // What a byte of an abbreviation takes: an attribute has two.
    private const long AbbreviationMemory = 8;
    private readonly List<DebugUnit> _units = [];
    private readonly Dictionary<ulong, int> _signed = [];
    private readonly List<string> _problems = [];

    /// <summary>Reads the units' headers and first entries.</summary>
    internal DebugUnits(DebugSections sections)
    {
        Sections = sections;
        Budget = new DebugBudget(sections.Info.Length, sections.TypeBytes);
        Dictionary<ulong, AbbreviationTable> tables = [];
        long budget = AbbreviationPasses * sections.Abbreviations.Length;
        int unread = 0;
        bool isSplit = false;
        foreach (DebugPart part in sections.Parts)
        {
            for (int offset = part.Start; _units.Count < MostUnits && DebugUnit.TryRead(sections.Info, part, offset, out DebugUnit? unit, out int end); offset = end)
            {
                if (unit is null || FindTable(unit, tables, ref budget) is not { } table)
                {
                    unread++;
                    continue;
                }

                unit.Abbreviations = table;
                _units.Add(unit);
                if (unit.Signature is { } signature)
                    _signed.TryAdd(signature, unit.SignedType);
                isSplit |= !ReadRoot(unit) || unit.IsSkeleton;
            }
        }

        if (unread > 0)
            _problems.Add($"{unread} units of the debug information cannot be read: it is damaged, or of a version that is not known (2 to 5 are)");
        if (isSplit)
            _problems.Add("types are in .dwo files of their own, which are not read (compile without -gsplit-dwarf)");
    }

    /// <summary>The sections.</summary>
    internal DebugSections Sections { get; }

    /// <summary>What reading types may take.</summary>
    internal DebugBudget Budget { get; }

    /// <summary>The units, in the section's order.</summary>
    internal IReadOnlyList<DebugUnit> All => _units;

    /// <summary>What could not be read, a sentence each.</summary>
    internal IReadOnlyList<string> Problems => _problems;

    /// <summary>Whether something is in a file that several debug files share, and that was not found.</summary>
    internal bool HasShared { get; private set; }

    /// <summary>The entry at an offset.</summary>
    internal bool TryGet(int offset, out DebugEntry entry)
    {
        entry = default;
        int low = 0, high = _units.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (_units[middle].Offset <= offset)
                low = middle;
            else
                high = middle - 1;
        }

        return high >= 0 && _units[low].Contains(offset) && new EntryCursor(Sections, _units[low], offset).TryNext(out entry, out _);
    }

    /// <summary>The entry that an attribute refers to.</summary>
    internal bool TryFollow(AttributeValue reference, out DebugEntry entry)
    {
        entry = default;
        return OffsetOf(reference) is { } offset && TryGet(offset, out entry);
    }

    /// <summary>Where the entry is that an attribute refers to; null where it refers to none.</summary>
    internal int? OffsetOf(AttributeValue reference)
    {
        switch (reference.Class)
        {
            case AttributeClass.Reference:
                return (int)reference.Number;
            case AttributeClass.Signature when _signed.TryGetValue(reference.Number, out int offset):
                return offset;
            case AttributeClass.Shared:
                HasShared = true;
                return null;
            default:
                return null;
        }
    }

    /// <summary>An attribute of an entry, or of the one that it stands for (DW_AT_abstract_origin, DW_AT_specification).</summary>
    internal AttributeValue FindInherited(DebugEntry entry, DwarfAttribute attribute)
    {
        for (int i = 0; i < MostOrigins; i++)
        {
            AttributeValue value = entry.Find(Sections, attribute);
            if (!value.IsNone || !TryGetOrigin(entry, out entry))
                return value;
        }

        return default;
    }

    /// <summary>The entry that another one stands for.</summary>
    internal bool TryGetOrigin(DebugEntry entry, out DebugEntry origin) =>
        TryFollow(entry.Find(Sections, DwarfAttribute.AbstractOrigin), out origin) || TryFollow(entry.Find(Sections, DwarfAttribute.Specification), out origin);

    /// <summary>A name of an entry, or of the one that it stands for.</summary>
    internal string? NameOf(DebugEntry entry) => Sections.Text(FindInherited(entry, DwarfAttribute.Name));

    /// <summary>The children of an entry, without theirs.</summary>
    /// <param name="parent">The entry.</param>
    /// <param name="budget">How many entries are gone through at most, those below children included; what was used is taken off.</param>
    internal List<DebugEntry> ChildrenOf(DebugEntry parent, ref int budget)
    {
        List<DebugEntry> children = [];
        if (!parent.Abbreviation.HasChildren)
            return children;
        var cursor = new EntryCursor(Sections, parent.Unit, parent.Offset);
        while (budget-- > 0 && cursor.TryNext(out DebugEntry entry, out int depth) && Budget.TrySpend(entry.Abbreviation.Attributes.Length + 1))
        {
            if (depth == 0)
                continue;
            if (depth == 1)
                children.Add(entry);
            cursor.SkipChildren();
        }

        return children;
    }

    private AbbreviationTable? FindTable(DebugUnit unit, Dictionary<ulong, AbbreviationTable> tables, ref long budget)
    {
        if (tables.TryGetValue(unit.AbbreviationsOffset, out AbbreviationTable? table))
            return table;
        if (budget <= 0)
            return null;
        table = AbbreviationTable.Read(Sections.Abbreviations, unit.AbbreviationsOffset, out int bytes);
        budget -= bytes;
        Budget.TryKeep(bytes * AbbreviationMemory);
        tables.Add(unit.AbbreviationsOffset, table);
        return table;
    }

    /// <summary>Reads what the first entry says of the unit; false where its entries are in another file.</summary>
    private bool ReadRoot(DebugUnit unit)
    {
        // Behind the header of its section, where the unit does not say.
        unit.TextOffsetsBase = unit.Version >= 5 ? (unit.IsWide ? 16UL : 8UL) : 0;
        if (!TryGet(unit.FirstEntry, out DebugEntry root))
            return true;
        unit.TextOffsetsBase = NumberOf(root, DwarfAttribute.StringOffsetsBase) ?? unit.TextOffsetsBase;
        unit.AddressBase = NumberOf(root, DwarfAttribute.AddressBase) ?? 0;
        unit.RangeListsBase = NumberOf(root, DwarfAttribute.RangeListsBase) ?? 0;
        unit.LineTable = unit.Part.IsShared ? null : NumberOf(root, DwarfAttribute.StatementList);
        unit.Language = (SourceLanguage)(root.Find(Sections, DwarfAttribute.Language).Count ?? 0);
        unit.BaseAddress = root.Find(Sections, DwarfAttribute.LowPc) is { Class: AttributeClass.Address, Number: var address } ? address : 0;
        bool isWhole = !unit.IsSkeleton && root.Find(Sections, DwarfAttribute.GnuDwoName).IsNone && root.Find(Sections, DwarfAttribute.DwoName).IsNone;
        // Some compilers leave the inlined calls here as well.
        unit.IsElsewhere = !isWhole && !root.Abbreviation.HasChildren;
        return isWhole;
    }

    private ulong? NumberOf(DebugEntry entry, DwarfAttribute attribute) =>
        entry.Find(Sections, attribute) is { Class: AttributeClass.SectionOffset or AttributeClass.Constant, Number: var number } ? number : null;
}
