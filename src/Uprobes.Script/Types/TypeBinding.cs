using System.Globalization;
using Uprobes.Images.Types;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Types;

/// <summary>
/// Makes types of the language from those of debug information. Structs and enums are known to scripts by their names alone, so that each different one gets
/// a name of its own: the second <c>struct node</c> is called <c>node(2)</c>. Not thread-safe.
/// </summary>
internal sealed class TypeBinding
{
    private const int DeepestPointer = 32, DeepestNesting = 32, MostFields = 4096, LargestShown = 1 << 30;
    private readonly Dictionary<string, BoundStruct> _structs = new(StringComparer.Ordinal);
    private readonly Dictionary<(TypeTable, TypeId), StructType> _structNames = [];
    private readonly Dictionary<string, BoundEnum> _enums = new(StringComparer.Ordinal);
    private readonly Dictionary<(TypeTable, TypeId), ScriptType> _enumNames = [];
    private readonly Dictionary<(TypeTable, TypeId), int> _nesting = [];

    /// <summary>A struct that has a name for scripts, and its layout once it was asked for.</summary>
    private sealed class BoundStruct(StructType type, TypeTable table, TypeId id)
    {
        internal StructType Type => type;

        internal TypeTable Table => table;

        internal TypeId Id { get; set; } = id;

        internal Lazy<StructLayout?>? Layout { get; set; }
    }

    private sealed record BoundEnum(TypeTable Table, TypeId Id, EnumType Type, EnumTypeDescription Description)
    {
        internal Dictionary<long, string> Names { get; } = [];
    }

    /// <summary>The type of the language.</summary>
    internal ScriptType Convert(TypeTable table, TypeId type) => Convert(table, type, 0);

    /// <summary>The layout of a struct that was given a name here; null for others, and where only its name is known.</summary>
    internal StructLayout? LayoutOf(StructType type)
    {
        if (!_structs.TryGetValue(type.Name, out BoundStruct? bound))
            return null;
        return (bound.Layout ??= new Lazy<StructLayout?>(ReadLayout(bound))).Value;
    }

    /// <summary>The name of an enum's value; null where it has none.</summary>
    internal string? NameOf(EnumType type, long value) => _enums.TryGetValue(type.Name, out BoundEnum? bound) ? bound.Names.GetValueOrDefault(value) : null;

    private ScriptType Convert(TypeTable table, TypeId type, int depth)
    {
        TypeId resolved = table.Resolve(type);
        switch (table.Describe(resolved))
        {
            case BaseTypeDescription { Encoding: BaseEncoding.Boolean, Size: 1 }:
                return ScriptType.Boolean;
            case BaseTypeDescription { Encoding: BaseEncoding.Signed or BaseEncoding.Unsigned or BaseEncoding.Boolean, Size: 1 or 2 or 4 or 8 } number:
                return new IntegerType(number.Size * 8, number.Encoding == BaseEncoding.Signed);
            case BaseTypeDescription number:
                return new OpaqueType(number.Name, number.Size);
            case PointerTypeDescription pointer:
                return new PointerType(depth >= DeepestPointer || Convert(table, pointer.Target, depth + 1) is not (var target and not OpaqueType { Size: 0 }) ? ScriptType.Void : target);
            case ArrayTypeDescription array:
                return ConvertArray(table, array, depth);
            case EnumTypeDescription named:
                return Bind(table, resolved, named, NameOf(table, type, named.Name));
            case StructTypeDescription named:
                return Bind(table, resolved, named, NameOf(table, type, named.Name));
            case UnknownTypeDescription unknown:
                return new OpaqueType($"({unknown.Reason})", unknown.Size);
            default:
                return ScriptType.Void;
        }
    }

    /// <summary>The tag, or of one without a tag the innermost typedef's name.</summary>
    private static string NameOf(TypeTable table, TypeId type, string? tag)
    {
        if (tag is not null)
            return tag;
        string name = "(without a name)";
        for (int i = 0; i < DeepestNesting; i++)
        {
            switch (table.Describe(type))
            {
                case TypedefDescription named:
                    (name, type) = (named.Name, named.Target);
                    break;
                case QualifiedTypeDescription qualified:
                    type = qualified.Target;
                    break;
                default:
                    return name;
            }
        }

        return name;
    }

    private ScriptType ConvertArray(TypeTable table, ArrayTypeDescription array, int depth)
    {
        if (depth >= DeepestPointer)
            return new OpaqueType("an array", 0);
        ScriptType element = Convert(table, array.Element, depth + 1);
        if (element is VoidType)
            return new OpaqueType("an array of nothing", 0);
        // The last count is that of the innermost arrays.
        for (int i = array.Counts.Count - 1; i >= 0; i--)
        {
            if ((array.Counts[i] ?? 0) > LargestShown)
                return new OpaqueType("an array without bounds", 0);
            element = new ArrayType(element, (int)(array.Counts[i] ?? 0));
        }

        return element;
    }

    private ScriptType Bind(TypeTable table, TypeId id, EnumTypeDescription description, string name)
    {
        if (_enumNames.TryGetValue((table, id), out ScriptType? known))
            return known;
        TypeId definition = table.DefinitionOf(id);
        if (table.Describe(definition) is EnumTypeDescription defined)
            description = defined;
        int bits = description.Size is 1 or 2 or 4 or 8 ? description.Size * 8 : 32;
        if (name.StartsWith('('))
            known = new IntegerType(bits, description.Constants.Any(constant => constant.Value < 0));
        else
        {
            string free = name;
            for (int i = 2; _enums.TryGetValue(free, out BoundEnum? other) && !other.Description.Constants.SequenceEqual(description.Constants); i++)
                free = Numbered(name, i);
            var type = new EnumType(free, bits, description.Constants.Any(constant => constant.Value < 0));
            var bound = new BoundEnum(table, definition, type, description);
            foreach ((string constant, long value) in description.Constants)
                bound.Names.TryAdd(value, constant);
            _enums[free] = bound;
            known = type;
        }

        _enumNames.Add((table, id), known);
        return known;
    }

    private StructType Bind(TypeTable table, TypeId id, StructTypeDescription description, string name)
    {
        if (_structNames.TryGetValue((table, id), out StructType? known))
            return known;
        string free = name;
        for (int i = 2; _structs.TryGetValue(free, out BoundStruct? other); i++)
        {
            if (IsSame(other, table, description))
            {
                known = other.Type;
                if (other.Table == table && table.Describe(other.Id) is StructTypeDescription { IsDeclaration: true })
                    other.Id = id;
                break;
            }

            free = Numbered(name, i);
        }

        if (known is null)
        {
            known = new StructType(free, description.IsUnion);
            _structs.Add(free, new BoundStruct(known, table, id));
        }

        _structNames.Add((table, id), known);
        return known;
    }

    private static string Numbered(string name, int number) => string.Create(CultureInfo.InvariantCulture, $"{name}({number})");

    /// <summary>Whether two structs of one name are the same one, read from several source files.</summary>
    private static bool IsSame(BoundStruct bound, TypeTable table, StructTypeDescription description)
    {
        if (bound.Table.Describe(bound.Id) is not StructTypeDescription other || bound.Type.IsUnion != description.IsUnion)
            return false;
        if (other.IsDeclaration || description.IsDeclaration)
            return bound.Table == table;
        return other.Size == description.Size && other.Members.Count == description.Members.Count
            && other.Members.Zip(description.Members).All(pair => pair.First.Name == pair.Second.Name && pair.First.BitPosition == pair.Second.BitPosition && pair.First.BitSize == pair.Second.BitSize);
    }

    private StructLayout? ReadLayout(BoundStruct bound)
    {
        TypeId id = bound.Table.DefinitionOf(bound.Id);
        if (bound.Table.Describe(id) is not StructTypeDescription { IsDeclaration: false } description || description.Size > LargestShown)
            return null;
        List<StructField> fields = [];
        int alignment = Math.Max(1, description.Alignment);
        foreach (MemberDescription member in description.Members)
        {
            if (member.Offset < 0 || member.Offset > description.Size || fields.Count == MostFields)
                continue;
            ScriptType type = NestingOf(bound.Table, member.Type, 1) > DeepestNesting ? new OpaqueType("(a struct in itself)", 0) : Convert(bound.Table, member.Type);
            if (type is VoidType)
                continue;
            alignment = Math.Max(alignment, AlignmentOf(bound.Table, member, type));
            if (member.BitSize == 0)
                fields.Add(new StructField(member.Name, type, (int)member.Offset));
            else if (BitField(bound.Table, member, type, description.Size) is { } field)
                fields.Add(field);
        }

        return new StructLayout(bound.Type, (int)description.Size, alignment, fields);
    }

    /// <summary>A bit field: in an integer of its type that begins at a multiple of its size; in a wider one where a packed one lies across two.</summary>
    private static StructField? BitField(TypeTable table, MemberDescription member, ScriptType type, long structSize)
    {
        if (type is not (IntegerType or BooleanType or EnumType) || table.SizeOf(member.Type) is not ({ } size and > 0 and <= 8))
            return null;
        long unit = size * 8, start = member.BitPosition / unit * unit;
        bool isSigned = type.IsSignedNumber;
        // Of an enum the integer is shown.
        ScriptType holder = type is EnumType ? type : new IntegerType((int)unit, isSigned);
        if (member.BitPosition + member.BitSize > start + unit || (start + unit) / 8 > structSize)
        {
            start = member.BitPosition / 8 * 8;
            int bits = 8;
            while (bits < member.BitPosition - start + member.BitSize)
                bits *= 2;
            if (bits > 64)
                return null;
            holder = new IntegerType(bits, isSigned);
        }

        return new StructField(member.Name, holder, (int)(start / 8)) { Bits = member.BitSize, BitOffset = (int)(member.BitPosition - start) };
    }

    /// <summary>What the member asks the struct to be aligned to; of structs in it, what their size and place allow, which may be more.</summary>
    private static int AlignmentOf(TypeTable table, MemberDescription member, ScriptType type)
    {
        while (type is ArrayType array)
            type = array.Element;
        long size = type switch
        {
            IntegerType integer => integer.Bits / 8,
            EnumType named => named.Bits / 8,
            PointerType => 8,
            OpaqueType or BooleanType => 1,
            _ => (table.SizeOf(member.Type) ?? 1) | 8,
        };
        long place = member.BitSize > 0 ? size : member.Offset | size;
        return (int)Math.Max(1, Math.Min(8, place & -place));
    }

    /// <summary>How deep structs are in each other by value; more than <see cref="DeepestNesting"/> for one that claims to be in itself.</summary>
    private int NestingOf(TypeTable table, TypeId type, int level)
    {
        TypeId resolved = table.Resolve(type);
        if (level > DeepestNesting)
            return level;
        if (_nesting.TryGetValue((table, resolved), out int known))
            return known;
        _nesting.Add((table, resolved), DeepestNesting + 1); // It is in itself if it is come by again.
        int deepest = 0;
        switch (table.Describe(resolved))
        {
            case ArrayTypeDescription array:
                deepest = NestingOf(table, array.Element, level + 1);
                break;
            case StructTypeDescription description:
                foreach (MemberDescription member in description.Members)
                    deepest = Math.Max(deepest, NestingOf(table, member.Type, level + 1));
                deepest++;
                break;
        }

        _nesting[(table, resolved)] = deepest;
        return deepest;
    }
}
