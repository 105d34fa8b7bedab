namespace Uprobes.Images.Types;

/// <summary>One entry of debug information, with its attributes not yet read.</summary>
/// <param name="Unit">Its unit.</param>
/// <param name="Offset">Where it is in <c>.debug_info</c>.</param>
/// <param name="Abbreviation">What it consists of.</param>
/// <param name="Attributes">Where its attributes are.</param>
internal readonly record struct DebugEntry(DebugUnit Unit, int Offset, Abbreviation Abbreviation, int Attributes)
{
    internal DwarfTag Tag => Abbreviation.Tag;

    /// <summary>Reads an attribute; one of class None where the entry has none, or it cannot be read.</summary>
    internal AttributeValue Find(DebugSections sections, DwarfAttribute attribute)
    {
        AttributeSpecification[] all = Abbreviation.Attributes;
        int index = 0;
        while (index < all.Length && all[index].Attribute != attribute)
            index++;
        if (index == all.Length)
            return default;
        var reader = new SpanReader(sections.Info.AsSpan(0, Unit.End));
        if (!reader.TrySeek(Attributes))
            return default;
        for (int i = 0; i < index; i++)
        {
            if (!AttributeReader.TrySkip(ref reader, Unit, all[i].Form))
                return default;
        }

        return AttributeReader.TryRead(ref reader, sections, Unit, all[index], out AttributeValue value) ? value : default;
    }

    /// <summary>Its name; null for none.</summary>
    internal string? Name(DebugSections sections) => sections.Text(Find(sections, DwarfAttribute.Name));

    /// <summary>Whether a flag is set.</summary>
    internal bool Has(DebugSections sections, DwarfAttribute flag) => Find(sections, flag).IsSet;
}

/// <summary>Goes through the entries of a unit in their order, which is that of a tree: children follow their parent.</summary>
internal ref struct EntryCursor
{
    private readonly DebugSections _sections;
    private readonly DebugUnit _unit;
    private SpanReader _reader;
    private DebugEntry _last;

    /// <summary>Stands before an entry.</summary>
    internal EntryCursor(DebugSections sections, DebugUnit unit, int offset)
    {
        (_sections, _unit) = (sections, unit);
        _reader = new SpanReader(sections.Info.AsSpan(0, unit.End));
        IsBroken = !_reader.TrySeek(offset);
    }

    /// <summary>How deep below the first entry the next one is.</summary>
    internal int Depth { get; private set; }

    /// <summary>Whether it has ended before the unit has.</summary>
    internal bool IsBroken { get; private set; }

    /// <summary>Moves to the next entry: the first child, or what follows.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="depth">How deep below the first one it is.</param>
    /// <returns>False behind the first entry's last child, at the end of the unit, and where the unit is not valid.</returns>
    internal bool TryNext(out DebugEntry entry, out int depth)
    {
        entry = default;
        depth = 0;
        while (!IsBroken && _reader.Remaining > 0)
        {
            int offset = _reader.Position;
            if (!_reader.TryReadUleb(out ulong code))
                break;
            if (code == 0)
            {
                if (--Depth <= 0)
                    return false;
                continue;
            }

            if (_unit.Abbreviations is null || !_unit.Abbreviations.TryGet(code, out Abbreviation? abbreviation))
                break;
            entry = _last = new DebugEntry(_unit, offset, abbreviation, _reader.Position);
            foreach (AttributeSpecification attribute in abbreviation.Attributes)
            {
                if (!AttributeReader.TrySkip(ref _reader, _unit, attribute.Form))
                {
                    IsBroken = true;
                    return false;
                }
            }

            depth = Depth;
            if (abbreviation.HasChildren)
                Depth++;
            else if (Depth == 0)
                _reader.TrySeek(_unit.End); // The first entry has no children: it was all.
            return true;
        }

        IsBroken = Depth > 0;
        return false;
    }

    /// <summary>Passes over the children of the last entry, where it says where they end; otherwise they come next.</summary>
    internal void SkipChildren()
    {
        if (!_last.Abbreviation.HasChildren || _last.Find(_sections, DwarfAttribute.Sibling) is not { Class: AttributeClass.Reference, Number: var next })
            return;
        // Only forward: otherwise it could go round for ever.
        if (next > (ulong)_reader.Position && next < (ulong)_unit.End && _reader.TrySeek((long)next))
            Depth--;
    }
}
