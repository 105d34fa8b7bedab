using System.Globalization;

namespace Uprobes.Channels;

/// <summary>The type of a value in a program, a key or an event's field: an integer of stated width and sign, or a bounded text.</summary>
/// <param name="Bits">8, 16, 32 or 64; 0 for a text.</param>
/// <param name="IsSigned">Whether an integer is signed.</param>
/// <param name="Capacity">Most bytes of a text, a multiple of 8; 0 for an integer.</param>
internal readonly record struct DataType(int Bits, bool IsSigned, int Capacity)
{
    internal static DataType U8 { get; } = new(8, false, 0);

    internal static DataType I8 { get; } = new(8, true, 0);

    internal static DataType U16 { get; } = new(16, false, 0);

    internal static DataType I16 { get; } = new(16, true, 0);

    internal static DataType U32 { get; } = new(32, false, 0);

    internal static DataType I32 { get; } = new(32, true, 0);

    internal static DataType U64 { get; } = new(64, false, 0);

    internal static DataType I64 { get; } = new(64, true, 0);

    /// <summary>What comparisons and logical operators give: 0 or 1.</summary>
    internal static DataType Boolean => U8;

    internal bool IsText => Capacity != 0;

    /// <summary>
    /// Bytes of a value in a key or an event: 8 for every integer (extended to 64 bits by its sign), for a text 8 bytes of
    /// length (the lower 32 bits; bit 63 tells that it was cut) and its capacity, filled up with zeros.
    /// </summary>
    internal int StoredSize => IsText ? 8 + Capacity : 8;

    /// <summary>A text of at most so many bytes.</summary>
    internal static DataType Text(int capacity) => new(0, false, capacity);

    /// <summary>What a 64-bit register holds for an integer of this type: cut to its width, then extended by its sign.</summary>
    internal long Wrap(long value) => (Bits, IsSigned) switch
    {
        (8, true) => (sbyte)value,
        (8, false) => (byte)value,
        (16, true) => (short)value,
        (16, false) => (ushort)value,
        (32, true) => (int)value,
        (32, false) => (uint)value,
        _ => value,
    };

    public override string ToString() => IsText
        ? string.Create(CultureInfo.InvariantCulture, $"text{Capacity}")
        : string.Create(CultureInfo.InvariantCulture, $"{(IsSigned ? 'i' : 'u')}{Bits}");
}
