using Uprobes.Channels;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>What values of scripts are in programs.</summary>
internal static class StoredTypes
{
    /// <summary>The integer that a scalar is; of structs and arrays that of their address.</summary>
    internal static DataType Of(ScriptType type) => type switch
    {
        IntegerType integer => new DataType(integer.Bits, integer.IsSigned, 0),
        BooleanType => DataType.Boolean,
        EnumType named => new DataType(named.Bits, named.IsSigned, 0),
        _ => DataType.U64,
    };

    /// <summary>A text of so many bytes without the zero, rounded up.</summary>
    internal static DataType Text(TextType type) => DataType.Text(RoundUp(MostBytes(type)));

    /// <summary>Bytes of the longest text, without the zero behind it.</summary>
    internal static int MostBytes(TextType type) => Math.Max(1, type.Capacity - 1);

    internal static int RoundUp(int bytes) => Math.Max(8, (bytes + 7) & -8);

    /// <summary>The text itself, not as a text of another capacity.</summary>
    internal static TypedExpression WithoutTextCasts(TypedExpression text)
    {
        while (text is CastExpression { Operand.Type: TextType } cast)
            text = cast.Operand;
        return text;
    }
}
