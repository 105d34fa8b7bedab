using Uprobes.Images.Types;

namespace Uprobes.Images.Inlining;

/// <summary>Which inlined calls the code of one unit consists of: found by one pass over its entries. Immutable.</summary>
internal sealed class InlineIndex
{
    private const int None = -1;

    // Functions one within another: compilers write a few.
    private const int DeepestBlock = 1 << 12;
    private readonly List<Block> _blocks = [];
    private readonly ulong[] _starts;
    private readonly int[] _innermost;

    /// <summary>Goes through a unit.</summary>
    /// <param name="units">All units.</param>
    /// <param name="unit">The one.</param>
    /// <param name="lists">Reads the ranges of its entries.</param>
    /// <param name="budget">What that may take.</param>
    internal InlineIndex(DebugUnits units, DebugUnit unit, RangeList lists, InlineBudget budget)
    {
        List<BlockRange> ranges = Read(units, unit, lists, budget);
        List<(ulong Start, int Block)> segments = Flatten(ranges);
        _starts = [.. segments.Select(segment => segment.Start)];
        _innermost = [.. segments.Select(segment => segment.Block)];
    }

    /// <summary>A function, or an inlined call.</summary>
    /// <param name="Entry">Where its entry is.</param>
    /// <param name="Parent">The number of the one that it was inlined into; -1 for a function.</param>
    /// <param name="Start">Where its first range begins: of a function that is where it is entered (DWARF 5, 2.18).</param>
    private readonly record struct Block(int Entry, int Parent, ulong Start);

    private readonly record struct BlockRange(ulong Start, ulong End, int Block);

    /// <summary>What functions are declared in; empty for a unit of C.</summary>
    internal ScopeIndex Scopes { get; } = new();

    /// <summary>Finds the inlined calls at an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="entries">Where their entries are, innermost first.</param>
    /// <returns>Whether the address is in a function of the unit.</returns>
    internal bool TryFind(ulong address, out IEnumerable<int> entries)
    {
        int index = Array.BinarySearch(_starts, address);
        index = index < 0 ? ~index - 1 : index;
        int innermost = index < 0 ? None : _innermost[index];
        entries = Inlined(innermost);
        return innermost != None;
    }

    /// <summary>Whether a function of the unit is entered at an address.</summary>
    internal bool IsEntry(ulong address)
    {
        int index = Array.BinarySearch(_starts, address);
        int block = index < 0 ? None : _innermost[index];
        while (block != None && _blocks[block].Parent != None)
            block = _blocks[block].Parent;
        return block != None && _blocks[block].Start == address;
    }

    private IEnumerable<int> Inlined(int innermost)
    {
        // Parents have lower numbers: it ends.
        for (int i = innermost; i != None && _blocks[i].Parent != None; i = _blocks[i].Parent)
            yield return _blocks[i].Entry;
    }

    private List<BlockRange> Read(DebugUnits units, DebugUnit unit, RangeList lists, InlineBudget budget)
    {
        List<BlockRange> ranges = [];
        Stack<(int Depth, int Number)> blocks = new(), scopes = new();
        var cursor = new EntryCursor(units.Sections, unit, unit.FirstEntry);
        while (blocks.Count < DeepestBlock && cursor.TryNext(out DebugEntry entry, out int depth) && budget.TryRead(entry.Abbreviation.Attributes.Length))
        {
            while (blocks.TryPeek(out (int Depth, int Number) block) && block.Depth >= depth)
                blocks.Pop();
            while (scopes.TryPeek(out (int Depth, int Number) scope) && scope.Depth >= depth)
                Scopes.End(scopes.Pop().Number, entry.Offset);
            if (!unit.IsC && IsScope(entry) && budget.TryKeep())
            {
                Scopes.Add(entry.Offset, scopes.Count == 0 ? None : scopes.Peek().Number);
                scopes.Push((depth, Scopes.Count - 1));
            }

            if (entry.Tag == DwarfTag.Subprogram)
                Add(entry, None);
            else if (entry.Tag == DwarfTag.InlinedSubroutine && blocks.TryPeek(out (int Depth, int Number) around) && around.Number != None)
                Add(entry, around.Number);

            void Add(DebugEntry entry, int parent)
            {
                List<(ulong Start, ulong End)> own = lists.Of(entry);
                if (own.Count == 0 || !budget.TryKeep())
                {
                    // An abstract function, of which each copy is elsewhere; what is inlined into it is there as well.
                    if (parent == None)
                        blocks.Push((depth, None));
                    return;
                }

                _blocks.Add(new Block(entry.Offset, parent, own[0].Start));
                blocks.Push((depth, _blocks.Count - 1));
                foreach ((ulong start, ulong end) in own)
                {
                    if (end > start && budget.TryKeep())
                        ranges.Add(new BlockRange(start, end, _blocks.Count - 1));
                }
            }
        }

        if (blocks.Count >= DeepestBlock)
            budget.EndTooDeep();
        return ranges;
    }

    private static bool IsScope(DebugEntry entry) => entry.Abbreviation.HasChildren
        && entry.Tag is DwarfTag.Namespace or DwarfTag.Module or DwarfTag.StructureType or DwarfTag.ClassType or DwarfTag.UnionType or DwarfTag.InterfaceType or DwarfTag.EnumerationType;

    /// <summary>From where on which block is the innermost one, ascending; -1 where there is none.</summary>
    private static List<(ulong Start, int Block)> Flatten(List<BlockRange> ranges)
    {
        // Of what begins at one place the outer ones come first: they have lower numbers.
        ranges.Sort(static (a, b) => a.Start != b.Start ? a.Start.CompareTo(b.Start) : a.Block.CompareTo(b.Block));
        List<(ulong Start, int Block)> segments = [];
        Stack<BlockRange> open = new();
        foreach (BlockRange range in ranges)
        {
            Close(range.Start);
            open.Push(range);
            Begin(range.Start, range.Block);
        }

        Close(ulong.MaxValue);
        return segments;

        // What has ended before an address is no longer around it.
        void Close(ulong address)
        {
            while (open.TryPeek(out BlockRange ended) && ended.End <= address)
            {
                open.Pop();
                while (open.TryPeek(out BlockRange outer) && outer.End <= ended.End)
                    open.Pop();
                Begin(ended.End, open.TryPeek(out BlockRange around) ? around.Block : None);
            }
        }

        void Begin(ulong start, int block)
        {
            if (segments.Count > 0 && segments[^1].Start == start)
                segments[^1] = (start, block);
            else
                segments.Add((start, block));
        }
    }
}
