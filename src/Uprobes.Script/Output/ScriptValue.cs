using System.Text;

namespace Uprobes.Script.Output;

/// <summary>
/// A value that a script holds, keys a map with, or prints. Immutable and safe to share between threads, as long as nobody
/// changes the arrays it was made from: they are lent, so that a value costs no copy. The default is <see cref="ScriptValueKind.None"/>.
/// </summary>
public readonly partial struct ScriptValue : IEquatable<ScriptValue>, IComparable<ScriptValue>
{
    // Bytes (start in the upper half of _bits, length in the lower), items, a record, a stack, a name or an aggregate.
    private readonly object? _object;
    private readonly long _bits;
    private readonly byte _width;
    private readonly Traits _traits;

    private ScriptValue(ScriptValueKind kind, long bits, object? payload = null, byte width = 64, Traits traits = Traits.None)
    {
        Kind = kind;
        _bits = bits;
        _object = payload;
        _width = width;
        _traits = traits;
    }

    [Flags]
    private enum Traits : byte
    {
        None = 0,
        Signed = 1,
        Trusted = 2,
    }

    /// <summary>What it is.</summary>
    public ScriptValueKind Kind { get; }

    /// <summary>Nothing.</summary>
    public static ScriptValue None => default;

    /// <summary>true or false.</summary>
    /// <param name="value">The value.</param>
    public static ScriptValue Boolean(bool value) => new(ScriptValueKind.Boolean, value ? 1 : 0, width: 8);

    /// <summary>A signed integer of 64 bits.</summary>
    /// <param name="value">The value.</param>
    public static ScriptValue Signed(long value) => new(ScriptValueKind.Integer, value, traits: Traits.Signed);

    /// <summary>An unsigned integer of 64 bits.</summary>
    /// <param name="value">The value.</param>
    public static ScriptValue Unsigned(ulong value) => new(ScriptValueKind.Integer, (long)value);

    /// <summary>An integer of a width: the lowest bits of <paramref name="raw"/>, extended by their sign or by zeros.</summary>
    /// <param name="raw">The bits; those above the width do not count.</param>
    /// <param name="width">8, 16, 32 or 64.</param>
    /// <param name="isSigned">Whether the highest of the bits is a sign.</param>
    public static ScriptValue Integer(long raw, int width, bool isSigned)
    {
        if (width is not (8 or 16 or 32 or 64))
            throw new ArgumentOutOfRangeException(nameof(width), width, "An integer has 8, 16, 32 or 64 bits.");
        int spare = 64 - width;
        long extended = isSigned ? raw << spare >> spare : (long)((ulong)raw << spare >> spare);
        return new ScriptValue(ScriptValueKind.Integer, extended, width: (byte)width, traits: isSigned ? Traits.Signed : Traits.None);
    }

    /// <summary>A string of the target: on a terminal its control characters are escaped.</summary>
    /// <param name="bytes">The string without a terminating zero. Lent: it must not change.</param>
    public static ScriptValue String(byte[] bytes) => String(bytes, 0, bytes.Length);

    /// <summary>A string of the target that is a part of an array.</summary>
    /// <param name="bytes">The array. Lent: it must not change.</param>
    /// <param name="start">Index of the first byte.</param>
    /// <param name="length">Number of bytes.</param>
    public static ScriptValue String(byte[] bytes, int start, int length) => new(ScriptValueKind.String, Slice(bytes, start, length), bytes);

    /// <summary>A string of the target.</summary>
    /// <param name="text">The string, which becomes UTF-8.</param>
    public static ScriptValue String(string text) => String(Encoding.UTF8.GetBytes(text));

    /// <summary>A string that the script's author wrote or that was made here (a literal, a formatted time): it prints as it is everywhere.</summary>
    /// <param name="text">The string, which becomes UTF-8.</param>
    public static ScriptValue Literal(string text) => Literal(Encoding.UTF8.GetBytes(text));

    /// <summary>The same from bytes.</summary>
    /// <param name="bytes">The string without a terminating zero. Lent: it must not change.</param>
    public static ScriptValue Literal(byte[] bytes) => new(ScriptValueKind.String, Slice(bytes, 0, bytes.Length), bytes, traits: Traits.Trusted);

    /// <summary>Bytes of <c>buf()</c>.</summary>
    /// <param name="bytes">The bytes. Lent: it must not change.</param>
    public static ScriptValue Buffer(byte[] bytes) => Buffer(bytes, 0, bytes.Length);

    /// <summary>Bytes of <c>buf()</c> that are a part of an array.</summary>
    /// <param name="bytes">The array. Lent: it must not change.</param>
    /// <param name="start">Index of the first byte.</param>
    /// <param name="length">Number of bytes.</param>
    public static ScriptValue Buffer(byte[] bytes, int start, int length) => new(ScriptValueKind.Buffer, Slice(bytes, start, length), bytes);

    /// <summary>A pointer.</summary>
    /// <param name="address">An address in the target.</param>
    public static ScriptValue Pointer(ulong address) => new(ScriptValueKind.Pointer, (long)address);

    /// <summary>A C array.</summary>
    /// <param name="items">The elements. Lent: it must not change.</param>
    public static ScriptValue Array(params ScriptValue[] items) => new(ScriptValueKind.Array, 0, items);

    /// <summary>A tuple.</summary>
    /// <param name="items">The elements. Lent: it must not change.</param>
    public static ScriptValue Tuple(params ScriptValue[] items) => new(ScriptValueKind.Tuple, 0, items);

    /// <summary>A struct or a record.</summary>
    /// <param name="names">The fields' names; values of one type share the array. Lent: it must not change.</param>
    /// <param name="values">The fields' values in the order of the names. Lent: it must not change.</param>
    /// <exception cref="ArgumentException">The arrays differ in length.</exception>
    public static ScriptValue Record(string[] names, ScriptValue[] values)
    {
        if (names.Length != values.Length)
            throw new ArgumentException($"{names.Length} names for {values.Length} values.", nameof(names));
        return new ScriptValue(ScriptValueKind.Record, 0, new ScriptRecord(names, values));
    }

    /// <summary>A value of a C enum.</summary>
    /// <param name="name">The enumerator's name; null when no enumerator has the value, which then prints as a number.</param>
    /// <param name="value">The value; of an unsigned enum its 64 bits.</param>
    /// <param name="isSigned">Whether the enum has negative values.</param>
    public static ScriptValue Enum(string? name, long value, bool isSigned = false) => new(ScriptValueKind.Enum, value, name, traits: isSigned ? Traits.Signed : Traits.None);

    /// <summary>A stack.</summary>
    /// <param name="stack">The stack.</param>
    public static ScriptValue Stack(ScriptStack stack) => new(ScriptValueKind.Stack, 0, stack);

    /// <summary>The function of an address.</summary>
    /// <param name="name">The function's name; null when the address belongs to none, which prints the address.</param>
    /// <param name="address">The address in the target.</param>
    public static ScriptValue UserSymbol(string? name, ulong address) => new(ScriptValueKind.UserSymbol, (long)address, name);

    /// <summary>The function of an address, whose name is looked for when it is asked for.</summary>
    internal static ScriptValue DeferredSymbol(Lazy<string?> name, ulong address) => new(ScriptValueKind.UserSymbol, (long)address, name);

    /// <summary>A count.</summary>
    /// <param name="value">How often.</param>
    public static ScriptValue Count(ulong value) => new(ScriptValueKind.Count, (long)value);

    /// <summary>A sum.</summary>
    /// <param name="bits">Its 64 bits.</param>
    /// <param name="isSigned">Whether the highest of them is a sign.</param>
    public static ScriptValue Sum(long bits, bool isSigned) => Aggregate(ScriptValueKind.Sum, bits, isSigned);

    /// <summary>The least of the values; 0 when there were none.</summary>
    /// <param name="bits">Its 64 bits.</param>
    /// <param name="isSigned">Whether the highest of them is a sign.</param>
    public static ScriptValue Minimum(long bits, bool isSigned) => Aggregate(ScriptValueKind.Minimum, bits, isSigned);

    /// <summary>The largest of the values; 0 when there were none.</summary>
    /// <param name="bits">Its 64 bits.</param>
    /// <param name="isSigned">Whether the highest of them is a sign.</param>
    public static ScriptValue Maximum(long bits, bool isSigned) => Aggregate(ScriptValueKind.Maximum, bits, isSigned);

    /// <summary>An average.</summary>
    /// <param name="stats">Count and sum.</param>
    public static ScriptValue Average(ScriptStats stats) => new(ScriptValueKind.Average, 0, stats);

    /// <summary>Count, average and total.</summary>
    /// <param name="stats">Count and sum.</param>
    public static ScriptValue Stats(ScriptStats stats) => new(ScriptValueKind.Stats, 0, stats);

    /// <summary>A histogram with buckets that grow.</summary>
    /// <param name="histogram">The counts.</param>
    public static ScriptValue Histogram(LogHistogram histogram) => new(ScriptValueKind.Histogram, 0, histogram);

    /// <summary>A histogram with buckets of one width.</summary>
    /// <param name="histogram">The counts.</param>
    public static ScriptValue Histogram(LinearHistogram histogram) => new(ScriptValueKind.LinearHistogram, 0, histogram);

    /// <summary>A time series.</summary>
    /// <param name="series">The points.</param>
    public static ScriptValue TimeSeries(ScriptTimeSeries series) => new(ScriptValueKind.TimeSeries, 0, series);

    private static ScriptValue Aggregate(ScriptValueKind kind, long bits, bool isSigned) =>
        new(kind, bits, traits: isSigned ? Traits.Signed : Traits.None);

    private static long Slice(byte[] bytes, int start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)start, (uint)bytes.Length, nameof(start));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)(bytes.Length - start), nameof(length));
        return ((long)start << 32) | (uint)length;
    }
}
