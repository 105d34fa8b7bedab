using System.Globalization;
using Uprobes.Script.Output;

namespace Uprobes.Script.Semantics;

/// <summary>What a value of a script is. Two types are equal if they mean the same.</summary>
internal abstract record ScriptType
{
    internal static IntegerType U8 { get; } = new(8, false);

    internal static IntegerType U16 { get; } = new(16, false);

    internal static IntegerType U32 { get; } = new(32, false);

    internal static IntegerType U64 { get; } = new(64, false);

    internal static IntegerType I8 { get; } = new(8, true);

    internal static IntegerType I64 { get; } = new(64, true);

    internal static BooleanType Boolean { get; } = new();

    internal static VoidType Void { get; } = new();

    internal static UnknownType Unknown { get; } = new();

    /// <summary>Whether it is held in a register: integers, Booleans, enums and pointers.</summary>
    internal bool IsScalar => this is IntegerType or BooleanType or EnumType or PointerType;

    /// <summary>Whether it is a number: all scalars but pointers.</summary>
    internal bool IsNumber => this is IntegerType or BooleanType or EnumType;

    /// <summary>Whether it is signed, where it is a number.</summary>
    internal bool IsSignedNumber => this is IntegerType { IsSigned: true } or EnumType { IsSigned: true };

    public sealed override string ToString() => Describe();

    /// <summary>As bpftrace writes it in its messages.</summary>
    protected abstract string Describe();

    private protected static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>No value.</summary>
internal sealed record VoidType : ScriptType
{
    protected override string Describe() => "void";
}

/// <summary>Nothing is known: an error has been told, or the place that decides has not been seen yet.</summary>
internal sealed record UnknownType : ScriptType
{
    protected override string Describe() => "unknown";
}

/// <summary>An integer of 8, 16, 32 or 64 bits.</summary>
internal sealed record IntegerType(int Bits, bool IsSigned) : ScriptType
{
    protected override string Describe() => Text($"{(IsSigned ? "" : "u")}int{Bits}");
}

/// <summary>Bytes that are of no use here: a floating-point number in a struct.</summary>
internal sealed record OpaqueType(string Name, int Size) : ScriptType
{
    protected override string Describe() => Name;
}

/// <summary>0 or 1.</summary>
internal sealed record BooleanType : ScriptType
{
    protected override string Describe() => "bool";
}

/// <summary>An integer whose values have names (<see cref="TypeCatalog.NameOf"/>).</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bits">8, 16, 32 or 64.</param>
/// <param name="IsSigned">Whether one of the names is for a negative number.</param>
internal sealed record EnumType(string Name, int Bits, bool IsSigned) : ScriptType
{
    protected override string Describe() => $"enum {Name}";
}

/// <summary>A text.</summary>
/// <param name="Capacity">Most bytes of it, and one for the zero behind them.</param>
internal sealed record TextType(int Capacity) : ScriptType
{
    protected override string Describe() => Text($"string[{Capacity}]");
}

/// <summary>Bytes.</summary>
internal sealed record BufferType(int Capacity) : ScriptType
{
    protected override string Describe() => Text($"buffer[{Capacity}]");
}

/// <summary>An address in the target's memory and what is there; <see cref="VoidType"/> for an address that cannot be read through.</summary>
internal sealed record PointerType(ScriptType Target) : ScriptType
{
    protected override string Describe() => Target is PointerType ? $"{Target}*" : $"{Target} *";
}

/// <summary>
/// A struct or union; <see cref="TypeCatalog.LayoutOf"/> knows its fields. A value of it lies in the target's memory: what a
/// variable holds is the address, and the fields are read when they are used.
/// </summary>
internal sealed record StructType(string Name, bool IsUnion) : ScriptType
{
    protected override string Describe() => $"{(IsUnion ? "union" : "struct")} {Name}";
}

/// <summary>Elements side by side in the target's memory.</summary>
internal sealed record ArrayType(ScriptType Element, int Count) : ScriptType
{
    protected override string Describe() => Text($"{Element}[{Count}]");
}

/// <summary>Values side by side.</summary>
internal sealed record TupleType(TypeList Elements) : ScriptType
{
    protected override string Describe() => $"({Elements})";
}

/// <summary>Values side by side, with names.</summary>
internal sealed record RecordType(NameList Names, TypeList Elements) : ScriptType
{
    protected override string Describe() => $"record {{ {string.Join(", ", Names.Zip(Elements, (name, type) => $".{name}: {type}"))} }}";
}

/// <summary>A stack of the target's thread.</summary>
/// <param name="Mode">How it is printed.</param>
/// <param name="Limit">Most frames.</param>
internal sealed record StackType(StackMode Mode, int Limit) : ScriptType
{
    /// <summary>Frames where the script does not say.</summary>
    internal const int DefaultLimit = 127;

    /// <summary>The largest limit.</summary>
    internal const int LargestLimit = 1024;

    protected override string Describe() => Mode switch
    {
        StackMode.Perf => "ustack_t(perf)",
        StackMode.Raw => "ustack_t(raw)",
        StackMode.BuildId => "ustack_t(build_id)",
        _ => "ustack_t",
    };
}

/// <summary>An address of code, printed as its symbol.</summary>
internal sealed record SymbolType : ScriptType
{
    protected override string Describe() => "usym_t";
}

/// <summary>A time, printed in the form that was given with it.</summary>
internal sealed record TimestampType : ScriptType
{
    protected override string Describe() => "timestamp";
}

/// <summary>An address of the Internet: printed as 10.0.0.1 or ::1.</summary>
internal sealed record InternetAddressType : ScriptType
{
    protected override string Describe() => "inet";
}

/// <summary>Six bytes, printed as 00:11:22:33:44:55.</summary>
internal sealed record MacAddressType : ScriptType
{
    protected override string Describe() => "mac_address";
}

/// <summary>What a map makes of the values that are put into it.</summary>
internal enum AggregateFunction
{
    Count,
    Sum,
    Min,
    Max,
    Avg,
    Stats,
    Hist,
    Lhist,
    Tseries,
}

/// <summary>The value of a map that aggregates.</summary>
internal sealed record AggregateType(AggregateFunction Function, bool IsSigned) : ScriptType
{
    /// <summary>Whether it can be read as one number.</summary>
    internal bool IsReadable => Function is AggregateFunction.Count or AggregateFunction.Sum or AggregateFunction.Min or AggregateFunction.Max or AggregateFunction.Avg;

    protected override string Describe() => Function.ToString().ToLowerInvariant() + "_t";
}
