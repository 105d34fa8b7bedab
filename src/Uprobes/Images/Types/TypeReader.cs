namespace Uprobes.Images.Types;

/// <summary>Describes types by their entries (DWARF 5, chapter 5). Whatever the entries say, it ends: chains and nesting have limits.</summary>
/// <param name="units">The units.</param>
internal sealed class TypeReader(DebugUnits units)
{
    private const int LongestChain = 64, DeepestNesting = 24;

    // Entries that are gone through for one struct, with its methods; for the constants of an enum; for the dimensions of an array.
    private const int MostOfStruct = 1 << 17, MostConstants = 1 << 16, MostDimensions = 64;
    private const int MostKept = 1 << 18;
    private const int PassByReference = 4; // DW_CC_pass_by_reference
    private const byte PlusConstant = 0x23; // DW_OP_plus_uconst

    // About what a description takes, a member or constant of one, and a character of a name.
    private const int DescriptionBytes = 128, PartBytes = 64, CharacterBytes = 2;
    private static readonly UnknownTypeDescription LeftOut = new("left out: the debug information is too large", 0);
    private readonly DebugSections _sections = units.Sections;
    private readonly Dictionary<TypeId, TypeDescription> _known = [];

    /// <summary>What a type is.</summary>
    internal TypeDescription Describe(TypeId type)
    {
        if (_known.TryGetValue(type, out TypeDescription? known))
            return known;
        known = Read(type);
        if (_known.Count >= MostKept)
            return known;
        int name = known switch
        {
            BaseTypeDescription simple => simple.Name.Length,
            TypedefDescription named => named.Name.Length,
            EnumTypeDescription named => named.Name?.Length ?? 0,
            StructTypeDescription named => named.Name?.Length ?? 0,
            _ => 0,
        };
        if (!units.Budget.TryKeep(DescriptionBytes + (name * CharacterBytes)))
            return LeftOut;
        _known.Add(type, known);
        return known;
    }

    private TypeDescription Read(TypeId type)
    {
        if (type.IsVoid)
            return new VoidTypeDescription();
        if (!units.TryGet(type.Offset, out DebugEntry entry))
            return new UnknownTypeDescription("not in the debug information", 0);
        switch (entry.Tag)
        {
            case DwarfTag.BaseType:
                return BaseType(entry);
            case DwarfTag.PointerType:
                return new PointerTypeDescription(TargetOf(entry), "*");
            case DwarfTag.ReferenceType:
                return new PointerTypeDescription(TargetOf(entry), "&");
            case DwarfTag.RvalueReferenceType:
                return new PointerTypeDescription(TargetOf(entry), "&&");
            case DwarfTag.SubroutineType:
                return new FunctionTypeDescription();
            case DwarfTag.Typedef or DwarfTag.TemplateAlias:
                return new TypedefDescription(entry.Name(_sections) ?? "", TargetOf(entry));
            case DwarfTag.ConstType or DwarfTag.ImmutableType:
                return new QualifiedTypeDescription("const", TargetOf(entry));
            case DwarfTag.VolatileType:
                return new QualifiedTypeDescription("volatile", TargetOf(entry));
            case DwarfTag.RestrictType:
                return new QualifiedTypeDescription("restrict", TargetOf(entry));
            case DwarfTag.AtomicType:
                return new QualifiedTypeDescription("_Atomic", TargetOf(entry));
            case DwarfTag.ArrayType:
                return Array(entry);
            case DwarfTag.EnumerationType:
                return Enum(entry);
            case DwarfTag.StructureType or DwarfTag.ClassType or DwarfTag.UnionType or DwarfTag.InterfaceType:
                return Struct(entry);
            case DwarfTag.UnspecifiedType:
                return new VoidTypeDescription();
            case DwarfTag.PointerToMember:
                return new UnknownTypeDescription("a pointer to a member", entry.Find(_sections, DwarfAttribute.ByteSize).Count ?? 0);
            default:
                return new UnknownTypeDescription("of a kind that is not known", 0);
        }
    }

    /// <summary>The type that an attribute refers to.</summary>
    internal TypeId TargetOf(DebugEntry entry)
    {
        AttributeValue type = units.FindInherited(entry, DwarfAttribute.Type);
        return type.IsNone ? TypeId.Void : new TypeId(units.OffsetOf(type) ?? -1);
    }

    /// <summary>A type behind its typedefs and qualifiers; of one that is in a unit of its own, the one there.</summary>
    internal TypeId Resolve(TypeId type)
    {
        for (int i = 0; i < LongestChain; i++)
        {
            if (!units.TryGet(type.Offset, out DebugEntry entry))
                return type;
            if (units.OffsetOf(entry.Find(_sections, DwarfAttribute.Signature)) is { } unit && unit != type.Offset)
            {
                type = new TypeId(unit);
                continue;
            }

            if (entry.Tag is not (DwarfTag.Typedef or DwarfTag.TemplateAlias or DwarfTag.ConstType or DwarfTag.ImmutableType
                or DwarfTag.VolatileType or DwarfTag.RestrictType or DwarfTag.AtomicType))
                return type;
            type = TargetOf(entry);
        }

        return new TypeId(-1);
    }

    /// <summary>Bytes of a value; null where that is not known.</summary>
    internal long? SizeOf(TypeId type)
    {
        long factor = 1;
        for (int i = 0; i < LongestChain; i++)
        {
            type = Resolve(type);
            if (!units.TryGet(type.Offset, out DebugEntry entry))
                return null;
            if (entry.Find(_sections, DwarfAttribute.ByteSize).Count is { } size)
                return Multiply(size, factor);
            switch (entry.Tag)
            {
                case DwarfTag.PointerType or DwarfTag.ReferenceType or DwarfTag.RvalueReferenceType:
                    return Multiply(8, factor);
                case DwarfTag.ArrayType:
                    foreach (long? count in CountsOf(entry))
                    {
                        if (count is not { } known || Multiply(factor, known) is not { } product)
                            return null;
                        factor = product;
                    }

                    type = TargetOf(entry);
                    break;
                default:
                    return null;
            }
        }

        return null;
    }

    private static long? Multiply(long a, long b) => a == 0 || b <= int.MaxValue / a ? a * b : null;

    private TypeDescription BaseType(DebugEntry entry)
    {
        string name = entry.Name(_sections) ?? "";
        if (entry.Find(_sections, DwarfAttribute.ByteSize).Count is not { } size)
            return new UnknownTypeDescription("of a size that is not known", 0);
        BaseEncoding encoding = (entry.Find(_sections, DwarfAttribute.Encoding).Unsigned ?? 0) switch
        {
            0x02 => BaseEncoding.Boolean,
            0x04 => BaseEncoding.Float,
            0x05 or 0x06 => BaseEncoding.Signed, // DW_ATE_signed, signed_char
            0x01 or 0x07 or 0x08 or 0x10 or 0x11 or 0x12 => BaseEncoding.Unsigned, // address, unsigned, unsigned_char, UTF, UCS, ASCII
            _ => BaseEncoding.Other,
        };
        return new BaseTypeDescription(name, size, encoding);
    }

    private ArrayTypeDescription Array(DebugEntry entry) => new(TargetOf(entry), CountsOf(entry));

    private List<long?> CountsOf(DebugEntry array)
    {
        List<long?> counts = [];
        int budget = MostDimensions;
        foreach (DebugEntry range in units.ChildrenOf(array, ref budget))
        {
            if (range.Tag != DwarfTag.SubrangeType)
                continue;
            AttributeValue count = range.Find(_sections, DwarfAttribute.Count), bound = range.Find(_sections, DwarfAttribute.UpperBound);
            // An upper bound of -1 is how an array without elements is written.
            counts.Add(count.Count is { } known ? known
                : bound.Unsigned is { } last && (last < int.MaxValue || last >= uint.MaxValue) ? (last >= uint.MaxValue ? 0 : (long)last + 1)
                : null);
        }

        if (counts.Count == 0)
            counts.Add(null);
        return counts;
    }

    private bool TryKeep(string name) => units.Budget.TryKeep(PartBytes + (name.Length * CharacterBytes));

    private TypeDescription Enum(DebugEntry entry)
    {
        List<(string, long)> constants = [];
        int size = (int)Math.Min(SizeOfEnum(entry), 16);
        // Compilers write constants of unsigned enums as negative numbers too.
        bool isUnsigned = Describe(TargetOf(entry)) is BaseTypeDescription { Encoding: BaseEncoding.Unsigned };
        long mask = isUnsigned && size is > 0 and < sizeof(long) ? (1L << (size * 8)) - 1 : -1;
        int budget = MostConstants;
        foreach (DebugEntry child in units.ChildrenOf(entry, ref budget))
        {
            if (child.Tag == DwarfTag.Enumerator && child.Name(_sections) is { } name && child.Find(_sections, DwarfAttribute.ConstValue).Unsigned is { } value)
            {
                if (!TryKeep(name))
                    return LeftOut;
                constants.Add((name, unchecked((long)value) & mask));
            }
        }

        return new EnumTypeDescription(entry.Name(_sections), size, entry.Has(_sections, DwarfAttribute.Declaration), constants);
    }

    private long SizeOfEnum(DebugEntry entry) => entry.Find(_sections, DwarfAttribute.ByteSize).Count ?? SizeOf(TargetOf(entry)) ?? 4;

    private TypeDescription Struct(DebugEntry entry)
    {
        List<MemberDescription> members = [];
        int budget = MostOfStruct;
        if (!TryAddMembers(entry, 0, 0, members, ref budget))
            return LeftOut;
        // A member hides one of the same name of a base, which stands before it.
        HashSet<string> names = new(StringComparer.Ordinal);
        for (int i = members.Count - 1; i >= 0; i--)
        {
            if (!names.Add(members[i].Name))
                members.RemoveAt(i);
        }

        ClassCopies copies = new(units, this);
        AttributeValue convention = entry.Find(_sections, DwarfAttribute.CallingConvention);
        string keyword = entry.Tag switch { DwarfTag.UnionType => "union", DwarfTag.ClassType => "class", _ => "struct" };
        return new StructTypeDescription(units.NameOf(entry), keyword, entry.Find(_sections, DwarfAttribute.ByteSize).Count ?? 0, members)
        {
            IsDeclaration = entry.Has(_sections, DwarfAttribute.Declaration),
            Alignment = entry.Find(_sections, DwarfAttribute.Alignment).Count is { } alignment and > 0 and <= 4096 && int.IsPow2(alignment) ? alignment : 0,
            IsPassedByReference = convention.IsNone ? entry.Unit.IsCPlusPlus && copies.IsNeeded(entry) : convention.Number == PassByReference,
        };
    }

    private bool TryAddMembers(DebugEntry entry, long position, int depth, List<MemberDescription> members, ref int budget)
    {
        if (depth > DeepestNesting)
            return true;
        foreach (DebugEntry child in units.ChildrenOf(entry, ref budget))
        {
            if (child.Tag is not (DwarfTag.Member or DwarfTag.Inheritance) || child.Has(_sections, DwarfAttribute.Artificial) || BitPositionOf(child) is not { } own)
                continue;
            string? name = child.Tag == DwarfTag.Member ? child.Name(_sections) : null;
            // One that is declared here and lies elsewhere: a static member.
            if (name is not null && (child.Has(_sections, DwarfAttribute.External) || child.Has(_sections, DwarfAttribute.Declaration)))
                continue;
            TypeId type = TargetOf(child);
            if (name is not null && !TryKeep(name))
                return false;
            if (name is not null)
                members.Add(new MemberDescription(name, type, position + own, child.Find(_sections, DwarfAttribute.BitSize).Count ?? 0));
            else if (budget > 0 && units.TryGet(Resolve(type).Offset, out DebugEntry inner) && inner.Tag is DwarfTag.StructureType or DwarfTag.ClassType or DwarfTag.UnionType
                && !TryAddMembers(inner, position + own, depth + 1, members, ref budget))
                return false;
        }

        return true;
    }

    /// <summary>Bits from the beginning of the struct; null where it has no fixed place: a virtual base.</summary>
    private long? BitPositionOf(DebugEntry member)
    {
        if (member.Find(_sections, DwarfAttribute.DataBitOffset).Count is { } position)
            return position;
        AttributeValue location = member.Find(_sections, DwarfAttribute.DataMemberLocation);
        long? offset = location.Class switch
        {
            AttributeClass.None => 0,
            AttributeClass.Block => OffsetOf(location),
            _ => location.Count,
        };
        if (offset is not { } bytes || member.Find(_sections, DwarfAttribute.BitOffset).Unsigned is not { } fromTop)
            return offset * 8;
        // Negative for one that goes on behind that integer, as packed ones may.
        long skipped = unchecked((long)fromTop);
        // Before version 4: counted from the highest bit of the integer that holds it (DWARF 3, 5.6.6).
        long? holder = member.Find(_sections, DwarfAttribute.ByteSize).Count ?? SizeOf(TargetOf(member));
        long width = member.Find(_sections, DwarfAttribute.BitSize).Count ?? 0;
        return holder is { } size && size <= 16 && skipped is >= -128 and <= 128 && width <= 128 ? Math.Max(0, (bytes * 8) + (size * 8) - skipped - width) : null;
    }

    /// <summary>Before version 3 an offset was an expression.</summary>
    private long? OffsetOf(AttributeValue expression)
    {
        var reader = new SpanReader(_sections.Info);
        return reader.TrySeek((long)expression.Number) && reader.TryReadByte(out byte length) && length > 1 && reader.TryReadByte(out byte operation) && operation == PlusConstant
            && reader.TryReadUleb(out ulong offset) && offset <= int.MaxValue ? (long)offset : null;
    }
}
