using Uprobes.Channels;

namespace Uprobes.Programs.Queries;

/// <summary>Which types of C# a program has, and how their values look in it.</summary>
internal static class ClrTypes
{
    /// <summary>The program's type for integers, enums, characters and truth values of C#; false for all else.</summary>
    internal static bool TryGet(Type type, out DataType data)
    {
        if (type.IsEnum)
            type = Enum.GetUnderlyingType(type);
        DataType? found = Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean or TypeCode.Byte => DataType.U8,
            TypeCode.SByte => DataType.I8,
            TypeCode.Int16 => DataType.I16,
            TypeCode.UInt16 or TypeCode.Char => DataType.U16,
            TypeCode.Int32 => DataType.I32,
            TypeCode.UInt32 => DataType.U32,
            TypeCode.Int64 => DataType.I64,
            TypeCode.UInt64 => DataType.U64,
            _ when type == typeof(nint) => DataType.I64,
            _ when type == typeof(nuint) => DataType.U64,
            _ => null,
        };
        data = found ?? default;
        return found is not null;
    }

    /// <summary>A value of C# as the 64 bits that a program has for it.</summary>
    internal static long ToBits(object value) => value switch
    {
        bool flag => flag ? 1 : 0,
        char letter => letter,
        ulong number => unchecked((long)number),
        nint number => number,
        nuint number => unchecked((long)(ulong)number),
        Enum named when Enum.GetUnderlyingType(named.GetType()) == typeof(ulong) => unchecked((long)Convert.ToUInt64(named, null)),
        _ => Convert.ToInt64(value, null),
    };

    /// <summary>The 64 bits of a program as a value of C#.</summary>
    internal static object FromBits(Type type, long bits)
    {
        if (type.IsEnum)
            return Enum.ToObject(type, bits);
        return Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean => bits != 0,
            TypeCode.Byte => (byte)bits,
            TypeCode.SByte => (sbyte)bits,
            TypeCode.Int16 => (short)bits,
            TypeCode.UInt16 => (ushort)bits,
            TypeCode.Char => (char)bits,
            TypeCode.Int32 => (int)bits,
            TypeCode.UInt32 => (uint)bits,
            TypeCode.Int64 => bits,
            TypeCode.UInt64 => (ulong)bits,
            _ when type == typeof(nint) => (nint)bits,
            _ when type == typeof(nuint) => (nuint)bits,
            _ => throw new ArgumentException($"{type} is no integer", nameof(type)),
        };
    }
}
