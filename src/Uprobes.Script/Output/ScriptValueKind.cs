namespace Uprobes.Script.Output;

/// <summary>What a <see cref="ScriptValue"/> is, which decides how it prints and how a map of it is ordered.</summary>
public enum ScriptValueKind : byte
{
    /// <summary>Nothing: a field whose type the script cannot hold, or a point of a time series without a value.</summary>
    None,

    /// <summary>true or false.</summary>
    Boolean,

    /// <summary>An integer of 8, 16, 32 or 64 bits, signed or not.</summary>
    Integer,

    /// <summary>Bytes that are a string, without their terminating zero.</summary>
    String,

    /// <summary>Bytes of <c>buf()</c>, which print as characters and <c>\xNN</c>.</summary>
    Buffer,

    /// <summary>An address in the target.</summary>
    Pointer,

    /// <summary>A C array.</summary>
    Array,

    /// <summary>A tuple: <c>(1, "a")</c>.</summary>
    Tuple,

    /// <summary>A struct or a record with named fields.</summary>
    Record,

    /// <summary>A value of a C enum with the name of its enumerator.</summary>
    Enum,

    /// <summary>A symbolised stack.</summary>
    Stack,

    /// <summary>The function of an address: <c>usym()</c>.</summary>
    UserSymbol,

    /// <summary><c>count()</c>.</summary>
    Count,

    /// <summary><c>sum(n)</c>.</summary>
    Sum,

    /// <summary><c>min(n)</c>.</summary>
    Minimum,

    /// <summary><c>max(n)</c>.</summary>
    Maximum,

    /// <summary><c>avg(n)</c>.</summary>
    Average,

    /// <summary><c>stats(n)</c>: count, average and total.</summary>
    Stats,

    /// <summary><c>hist(n, k)</c>: buckets that grow with powers of two.</summary>
    Histogram,

    /// <summary><c>lhist(n, min, max, step)</c>: buckets of one width.</summary>
    LinearHistogram,

    /// <summary><c>tseries(n, interval, count)</c>.</summary>
    TimeSeries,
}
