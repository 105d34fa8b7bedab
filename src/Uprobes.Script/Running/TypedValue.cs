using System.Buffers.Binary;
using Uprobes.Script.Output;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <summary>Values of the types that a checked script states.</summary>
internal static class TypedValue
{
    private const int PointerBits = 64;

    /// <summary>How many bits a scalar has.</summary>
    internal static int BitsOf(ScriptType type) => type switch
    {
        IntegerType integer => integer.Bits,
        EnumType named => named.Bits,
        BooleanType => 8,
        _ => PointerBits,
    };

    /// <summary>64 bits as a scalar type has them: cut to its width and extended by its sign, or to whether they are not 0.</summary>
    internal static long Extend(long bits, ScriptType type)
    {
        if (type is BooleanType)
            return bits != 0 ? 1 : 0;
        int spare = 64 - BitsOf(type);
        if (type.IsSignedNumber)
            return bits << spare >> spare;
        return (long)((ulong)bits << spare >> spare);
    }

    /// <summary>The scalar of a type that some bits are.</summary>
    internal static ScriptValue OfBits(long bits, ScriptType type, TypeCatalog types) => type switch
    {
        IntegerType integer => ScriptValue.Integer(bits, integer.Bits, integer.IsSigned),
        BooleanType => ScriptValue.Boolean(bits != 0),
        EnumType named => ScriptValue.Enum(types.NameOf(named, Extend(bits, type)), Extend(bits, type), named.IsSigned),
        StructType or ArrayType or PointerType => ScriptValue.Pointer((ulong)bits),
        _ => ScriptValue.Signed(bits),
    };

    /// <summary>What a variable holds that was given nothing, and what a map has for a key that it does not know.</summary>
    internal static ScriptValue Zero(ScriptType type, TypeCatalog types) => type switch
    {
        TextType => ScriptValue.Literal((byte[])[]),
        BufferType => ScriptValue.Buffer([]),
        TupleType tuple => ScriptValue.Tuple([.. tuple.Elements.Select(element => Zero(element, types))]),
        RecordType record => ScriptValue.Record([.. record.Names], [.. record.Elements.Select(element => Zero(element, types))]),
        SymbolType => ScriptValue.UserSymbol(null, 0),
        TimestampType or InternetAddressType or MacAddressType => ScriptValue.Literal((byte[])[]),
        StackType stack => ScriptValue.Stack(new ScriptStack(stack.Mode, [])),
        AggregateType aggregate when aggregate.IsReadable || aggregate.Function == AggregateFunction.Stats => new NumberAccumulator(aggregate).Read(),
        ArrayType array => ScriptValue.Array([.. Enumerable.Repeat(Zero(array.Element, types), array.Count)]),
        _ => OfBits(0, type, types),
    };

    /// <summary>What a map without keys shows that nothing was put into: histograms have no rows then, and are no numbers.</summary>
    internal static ScriptValue Empty(MapSymbol map, TypeCatalog types) =>
        map.ValueType is AggregateType ? MapAccumulator.Create(map).Read() : Zero(map.ValueType, types);

    /// <summary>A scalar as it lies in memory, in the processor's byte order.</summary>
    /// <param name="bytes">As many as the type has.</param>
    /// <param name="type">An integer, a Boolean, an enum or a pointer.</param>
    internal static long ReadBits(ReadOnlySpan<byte> bytes, ScriptType type)
    {
        Span<byte> word = stackalloc byte[sizeof(long)];
        word.Clear();
        bytes[..Math.Min(bytes.Length, sizeof(long))].CopyTo(word);
        return Extend(BinaryPrimitives.ReadInt64LittleEndian(word), type);
    }
}
