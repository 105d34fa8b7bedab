namespace Uprobes.Images.Types;

/// <summary>Finds the innermost functions that addresses are in: of code that was inlined, the copy.</summary>
/// <param name="units">The units.</param>
/// <param name="addresses">The addresses.</param>
internal sealed class BlockFinder(DebugUnits units, IEnumerable<ulong> addresses)
{
    private readonly ulong[] _addresses = [.. addresses.Distinct().Order()];
    private readonly RangeList _ranges = new(units);
    private readonly Dictionary<ulong, int> _found = [];

    /// <summary>What was found: offsets of the functions' entries.</summary>
    internal IReadOnlyDictionary<ulong, int> Found => _found;

    /// <summary>Looks through a unit.</summary>
    internal void Add(DebugUnit unit)
    {
        // Inner ones come after outer ones.
        var cursor = new EntryCursor(units.Sections, unit, unit.FirstEntry);
        while (cursor.TryNext(out DebugEntry entry, out _))
        {
            if (!units.Budget.TrySpend(entry.Abbreviation.Attributes.Length + 1))
                return;
            if (entry.Tag is not (DwarfTag.Subprogram or DwarfTag.InlinedSubroutine))
                continue;
            bool isMeant = false;
            foreach ((ulong start, ulong end) in _ranges.Of(entry))
            {
                int index = Array.BinarySearch(_addresses, start);
                for (index = index < 0 ? ~index : index; index < _addresses.Length && _addresses[index] < end; index++)
                {
                    isMeant = true;
                    _found[_addresses[index]] = entry.Offset;
                }
            }

            if (!isMeant && entry.Tag == DwarfTag.Subprogram)
                cursor.SkipChildren();
        }
    }
}
