namespace Uprobes.Script.Semantics;

/// <summary>
/// Which type holds the values of two. Integers grow as bpftrace's do; where bpftrace finds no type (an unsigned one of 64 bits
/// and a signed one) the first is kept, so that scripts for its older versions, in which all integers had 64 bits, still run.
/// </summary>
internal static class TypePromotion
{
    /// <summary>The smallest integer type that has a value.</summary>
    internal static IntegerType Smallest(long value, bool isUnsigned)
    {
        if (isUnsigned || value >= 0)
        {
            ulong bits = (ulong)value;
            return bits <= byte.MaxValue ? ScriptType.U8 : bits <= ushort.MaxValue ? ScriptType.U16 : bits <= uint.MaxValue ? ScriptType.U32 : ScriptType.U64;
        }

        return new IntegerType(value >= sbyte.MinValue ? 8 : value >= short.MinValue ? 16 : value >= int.MinValue ? 32 : 64, true);
    }

    /// <summary>A type for the values of both; null where they have nothing in common.</summary>
    /// <param name="current">What is known so far.</param>
    /// <param name="added">What comes to it.</param>
    internal static ScriptType? Merge(ScriptType current, ScriptType added)
    {
        if (current is UnknownType || current == added)
            return added;
        if (added is UnknownType)
            return current;
        return (current, added) switch
        {
            (BooleanType or IntegerType or EnumType, BooleanType or IntegerType or EnumType) => Merge(Integer(current), Integer(added)),
            (TextType a, TextType b) => new TextType(Math.Max(a.Capacity, b.Capacity)),
            (BufferType a, BufferType b) => new BufferType(Math.Max(a.Capacity, b.Capacity)),
            (StackType a, StackType b) when a.Mode == b.Mode => new StackType(a.Mode, Math.Max(a.Limit, b.Limit)),
            (PointerType { Target: VoidType }, PointerType) => current,
            (PointerType, PointerType { Target: VoidType }) => current,
            (TupleType a, TupleType b) => Merge(a.Elements, b.Elements) is { } elements ? new TupleType(elements) : null,
            (RecordType a, RecordType b) when a.Names.Equals(b.Names) => Merge(a.Elements, b.Elements) is { } elements ? new RecordType(a.Names, elements) : null,
            (AggregateType a, AggregateType b) when a.Function == b.Function => new AggregateType(a.Function, a.IsSigned || b.IsSigned),
            _ => null,
        };
    }

    /// <summary>A number's type as an integer type.</summary>
    internal static IntegerType Integer(ScriptType type) => type switch
    {
        IntegerType integer => integer,
        EnumType named => new IntegerType(named.Bits, named.IsSigned),
        AggregateType aggregate => aggregate.IsSigned ? ScriptType.I64 : ScriptType.U64,
        BooleanType => ScriptType.U8,
        _ => ScriptType.U64,
    };

    private static IntegerType Merge(IntegerType a, IntegerType b)
    {
        if (a.IsSigned == b.IsSigned)
            return a.Bits >= b.Bits ? a : b;
        (IntegerType signed, IntegerType unsigned) = a.IsSigned ? (a, b) : (b, a);
        if (signed.Bits > unsigned.Bits)
            return signed;
        return unsigned.Bits < 64 ? new IntegerType(unsigned.Bits * 2, true) : new IntegerType(64, a.IsSigned);
    }

    private static TypeList? Merge(TypeList a, TypeList b)
    {
        if (a.Count != b.Count)
            return null;
        ScriptType[] merged = new ScriptType[a.Count];
        for (int i = 0; i < merged.Length; i++)
        {
            if (Merge(a[i], b[i]) is not { } element)
                return null;
            merged[i] = element;
        }

        return new TypeList(merged);
    }

    /// <summary>In which type two numbers are compared: signed, unless an unsigned one of 64 bits is among them.</summary>
    internal static IntegerType ForComparison(ScriptType left, ScriptType right)
    {
        IntegerType a = Integer(left), b = Integer(right);
        bool isSigned = (a.IsSigned || b.IsSigned) && a is not { IsSigned: false, Bits: 64 } && b is not { IsSigned: false, Bits: 64 };
        return isSigned ? ScriptType.I64 : ScriptType.U64;
    }

    /// <summary>The type of what an arithmetic operator makes of two numbers: 64 bits, signed where one of them is, or the operator subtracts.</summary>
    internal static IntegerType ForArithmetic(ScriptType left, ScriptType right, bool subtracts) =>
        subtracts || Integer(left).IsSigned || Integer(right).IsSigned ? ScriptType.I64 : ScriptType.U64;
}
