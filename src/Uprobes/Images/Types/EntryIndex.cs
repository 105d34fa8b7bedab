using System.Text;

namespace Uprobes.Images.Types;

/// <summary>What a name of debug information names.</summary>
internal enum NamedKind : byte
{
    /// <summary>A struct, union or class.</summary>
    Struct,

    /// <summary>An enum.</summary>
    Enum,

    /// <summary>A typedef.</summary>
    Typedef,

    /// <summary>A base type.</summary>
    Base,

    /// <summary>A constant of an enum.</summary>
    Constant,
}

/// <summary>
/// Where the types, the enums' constants and the functions of some units are: found by one pass over their entries. Names are kept as hashes, so
/// that what it takes does not depend on their length. Immutable.
/// </summary>
internal sealed class EntryIndex
{
    // What is kept of a unit: ten times as many as the largest programs have.
    private const int MostNames = 1 << 23, MostFunctions = 1 << 22;
    private const int DeepestScope = 64;

    // What the budget is charged: names by how fast they are hashed, and an entry that may have its name of others.
    private const int HashedAtOnce = 16, Inheritance = 64, RowBytes = 32, FunctionBytes = 32;
    private const ulong FirstHash = 0xcbf29ce484222325, HashFactor = 0x100000001b3; // FNV-1a
    private readonly List<Row> _rows = [];
    private readonly Dictionary<ulong, int> _functions = [];
    private readonly DebugUnits _units;

    /// <summary>Goes through some units.</summary>
    internal EntryIndex(DebugUnits units, IEnumerable<DebugUnit> some)
    {
        _units = units;
        RangeList ranges = new(units);
        foreach (DebugUnit unit in some)
            Add(unit, ranges);
        _rows.Sort();
    }

    private readonly record struct Row(ulong Hash, int Offset, NamedKind Kind) : IComparable<Row>
    {
        public int CompareTo(Row other) => Hash != other.Hash ? Hash.CompareTo(other.Hash) : Offset.CompareTo(other.Offset);
    }

    /// <summary>Whether entries of a unit cannot be read to its end.</summary>
    internal bool IsBroken { get; private set; }

    /// <summary>
    /// The entries of a name, alone or with its namespaces (<c>ns::name</c>), in the section's order; declarations are left out. Of a constant's name,
    /// the enums that may have it.
    /// </summary>
    internal IEnumerable<DebugEntry> Find(string name, NamedKind kind)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        int scope = bytes.AsSpan().LastIndexOf("::"u8);
        byte[] own = scope < 0 ? bytes : bytes[(scope + 2)..];
        ulong hash = HashOf(FirstHash, bytes);
        int index = _rows.BinarySearch(new Row(hash, 0, kind));
        for (index = index < 0 ? ~index : index; index < _rows.Count && _rows[index].Hash == hash; index++)
        {
            Row row = _rows[index];
            if (!_units.Budget.TrySpend(Inheritance))
                yield break;
            if (row.Kind == kind && _units.TryGet(row.Offset, out DebugEntry entry) && (kind == NamedKind.Constant || _units.Sections.TextBytes(_units.FindInherited(entry, DwarfAttribute.Name)).SequenceEqual(own)))
                yield return entry;
        }
    }

    /// <summary>The function whose first instruction is at an address.</summary>
    internal bool TryFindFunction(LinkAddress address, out DebugEntry entry)
    {
        entry = default;
        return _functions.TryGetValue(address.Value, out int offset) && _units.TryGet(offset, out entry);
    }

    private static ulong HashOf(ulong start, ReadOnlySpan<byte> bytes)
    {
        foreach (byte one in bytes)
            start = unchecked((start ^ one) * HashFactor);
        return start;
    }

    private void Add(DebugUnit unit, RangeList ranges)
    {
        DebugSections sections = _units.Sections;
        // What stands before a name, of each depth: the hash of "a::b::".
        ulong[] scopes = new ulong[DeepestScope + 1];
        Array.Fill(scopes, FirstHash);
        int lastEnum = 0;
        var cursor = new EntryCursor(sections, unit, unit.FirstEntry);
        while (cursor.TryNext(out DebugEntry entry, out int depth))
        {
            if (!_units.Budget.TrySpend(entry.Abbreviation.Attributes.Length + 1))
                return;
            ulong scope = scopes[Math.Min(depth, DeepestScope)];
            if (depth < DeepestScope)
                scopes[depth + 1] = scope;
            switch (entry.Tag)
            {
                case DwarfTag.Subprogram:
                    AddFunction(entry, ranges);
                    cursor.SkipChildren();
                    break;
                case DwarfTag.LexicalBlock or DwarfTag.InlinedSubroutine or DwarfTag.SubroutineType or DwarfTag.ArrayType:
                    cursor.SkipChildren();
                    break;
                case DwarfTag.Namespace or DwarfTag.Module:
                    Enter(entry, scope, depth, scopes);
                    break;
                case DwarfTag.StructureType or DwarfTag.ClassType or DwarfTag.UnionType or DwarfTag.InterfaceType:
                    AddName(entry, entry.Offset, NamedKind.Struct, scope);
                    Enter(entry, scope, depth, scopes);
                    break;
                case DwarfTag.EnumerationType:
                    AddName(entry, entry.Offset, NamedKind.Enum, scope);
                    lastEnum = entry.Offset;
                    Enter(entry, scope, depth, scopes);
                    break;
                case DwarfTag.Enumerator:
                    AddName(entry, lastEnum, NamedKind.Constant, scope);
                    break;
                case DwarfTag.Typedef or DwarfTag.TemplateAlias:
                    AddName(entry, entry.Offset, NamedKind.Typedef, scope);
                    break;
                case DwarfTag.BaseType:
                    AddName(entry, entry.Offset, NamedKind.Base, scope);
                    break;
            }
        }

        IsBroken |= cursor.IsBroken;
    }

    private void Enter(DebugEntry entry, ulong scope, int depth, ulong[] scopes)
    {
        if (depth >= DeepestScope)
            return;
        ReadOnlySpan<byte> name = _units.Sections.TextBytes(entry.Find(_units.Sections, DwarfAttribute.Name));
        if (!name.IsEmpty && _units.Budget.TrySpend(name.Length / HashedAtOnce))
            scopes[depth + 1] = HashOf(HashOf(scope, name), "::"u8);
    }

    private void AddName(DebugEntry entry, int offset, NamedKind kind, ulong scope)
    {
        if (_rows.Count >= MostNames || entry.Has(_units.Sections, DwarfAttribute.Declaration))
            return;
        ReadOnlySpan<byte> name = _units.Sections.TextBytes(entry.Find(_units.Sections, DwarfAttribute.Name));
        if (name.IsEmpty && _units.Budget.TrySpend(Inheritance))
            name = _units.Sections.TextBytes(_units.FindInherited(entry, DwarfAttribute.Name));
        if (name.IsEmpty || !_units.Budget.TrySpend(name.Length / HashedAtOnce) || !_units.Budget.TryKeep(2 * RowBytes))
            return;
        ulong hash = HashOf(FirstHash, name), scoped = HashOf(scope, name);
        _rows.Add(new Row(hash, offset, kind));
        if (scoped != hash)
            _rows.Add(new Row(scoped, offset, kind));
    }

    private void AddFunction(DebugEntry entry, RangeList ranges)
    {
        // Of a function in parts, the first one is where it is entered.
        if (_functions.Count < MostFunctions && _units.Budget.TryKeep(FunctionBytes) && ranges.Of(entry) is [(var start, _), ..])
            _functions.TryAdd(start, entry.Offset);
    }
}
