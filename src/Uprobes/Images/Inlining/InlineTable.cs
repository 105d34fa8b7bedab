using Uprobes.Images.SourceLines;
using Uprobes.Images.Types;

namespace Uprobes.Images.Inlining;

/// <summary>
/// The calls of an image that were inlined, where debug information says them (DW_TAG_inlined_subroutine). Of that only the units that are asked for are gone through, once
/// each; what they all take together is bounded, in time and in memory, whatever the file says. Thread-safe.
/// </summary>
internal sealed class InlineTable(TypeTable types, LineTable lines)
{
    /// <summary>How many calls are found one within another.</summary>
    internal const int Deepest = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<DebugUnit, InlineIndex> _indexes = [];
    private readonly InlineBudget _budget = new();
    private FunctionNames? _names;
    private RangeList? _ranges;
    private bool _isElsewhere;

    /// <summary>Why calls may be missing among those that were found so far; null for no reason.</summary>
    internal string? Problem
    {
        get
        {
            lock (_gate)
                return types.UnreadProblem ?? _budget.Problem
                    ?? (_ranges is { RanOut: true } ? "the address ranges of its functions are too many to read"
                    : _isElsewhere ? "its debug information is in .dwo files, which are not read (compile without -gsplit-dwarf)" : null);
        }
    }

    /// <summary>The calls that an instruction is in, innermost first; none where it is the function's own, or nothing is known of it.</summary>
    internal IReadOnlyList<InlinedCall> Find(LinkAddress address)
    {
        if (types.UnitsAt(address) is not { Here.Count: > 0 } units)
            return [];
        lock (_gate)
        {
            _names ??= new FunctionNames(units.All, unit => IndexOf(units.All, unit).Scopes);
            foreach (DebugUnit unit in units.Here)
            {
                _isElsewhere |= unit.IsElsewhere;
                if (IndexOf(units.All, unit).TryFind(address.Value, out IEnumerable<int> entries))
                    return Calls(units.All, entries);
            }

            return [];
        }
    }

    /// <summary>Whether a function is entered at an address: the inlined calls that its code begins with have not begun there.</summary>
    internal bool IsEntry(LinkAddress address)
    {
        if (types.UnitsAt(address) is not { Here.Count: > 0 } units)
            return false;
        lock (_gate)
            return units.Here.Any(unit => IndexOf(units.All, unit).IsEntry(address.Value));
    }

    private InlineIndex IndexOf(DebugUnits all, DebugUnit unit)
    {
        if (!_indexes.TryGetValue(unit, out InlineIndex? index))
            _indexes.Add(unit, index = new InlineIndex(all, unit, _ranges ??= new RangeList(all), _budget));
        return index;
    }

    private List<InlinedCall> Calls(DebugUnits all, IEnumerable<int> entries)
    {
        List<InlinedCall> calls = [];
        foreach (int offset in entries.Take(Deepest))
        {
            if (!all.TryGet(offset, out DebugEntry entry) || _names!.Of(entry) is not { } name)
                continue;
            ulong? file = entry.Find(all.Sections, DwarfAttribute.CallFile).Unsigned, line = entry.Find(all.Sections, DwarfAttribute.CallLine).Unsigned;
            string? path = file is { } number && entry.Unit.LineTable is { } table ? lines.FileAt(table, number) : null;
            calls.Add(new InlinedCall(name, path is not null && line is > 0 and <= uint.MaxValue ? new SourceLine(path, (uint)line) : null));
        }

        return calls;
    }
}
