namespace Uprobes.Script.Output;

/// <content>What a value holds.</content>
public readonly partial struct ScriptValue
{
    /// <summary>Whether the highest bit of an integer or an aggregate is a sign.</summary>
    public bool IsSigned => (_traits & Traits.Signed) != 0;

    /// <summary>The 64 bits of a boolean, an integer, a pointer, an enum, an address or a one-word aggregate; an average. 0 for every other kind.</summary>
    public long Bits => Kind switch
    {
        ScriptValueKind.String or ScriptValueKind.Buffer => 0,
        ScriptValueKind.Average => (long)StatsValue.Average,
        _ => _bits,
    };

    /// <summary>The bytes of a string or a buffer; none for every other kind.</summary>
    public ReadOnlySpan<byte> Bytes => Kind is ScriptValueKind.String or ScriptValueKind.Buffer
        ? ((byte[])_object!).AsSpan((int)(_bits >> 32), (int)_bits)
        : default;

    /// <summary>The elements of an array or a tuple, the values of a record's fields; none for every other kind.</summary>
    public ReadOnlySpan<ScriptValue> Items => _object switch
    {
        ScriptValue[] items => items,
        ScriptRecord record => record.Values,
        _ => default,
    };

    /// <summary>It came from the script or was made here: it needs no escapes on a terminal.</summary>
    internal bool IsTrusted => (_traits & Traits.Trusted) != 0;

    /// <summary>The name of an enumerator or of a function; null where there is none.</summary>
    internal string? Name => _object is Lazy<string?> deferred ? deferred.Value : _object as string;

    internal ReadOnlySpan<string> FieldNames => ((ScriptRecord)_object!).Names;

    internal ScriptStack StackValue => (ScriptStack)_object!;

    internal ScriptStats StatsValue => (ScriptStats)_object!;

    internal LogHistogram LogHistogramValue => (LogHistogram)_object!;

    internal LinearHistogram LinearHistogramValue => (LinearHistogram)_object!;

    internal ScriptTimeSeries SeriesValue => (ScriptTimeSeries)_object!;

    /// <summary>A number, as the integer conversions of printf take it.</summary>
    /// <param name="bits">Its 64 bits.</param>
    internal bool TryGetNumber(out long bits)
    {
        bits = Bits;
        return Kind is ScriptValueKind.Boolean or ScriptValueKind.Integer or ScriptValueKind.Pointer or ScriptValueKind.Enum or ScriptValueKind.Count
            or ScriptValueKind.Sum or ScriptValueKind.Minimum or ScriptValueKind.Maximum or ScriptValueKind.Average;
    }

    /// <summary>An integer or an aggregate of one number, extended as its sign says.</summary>
    internal Int128 Number => Kind == ScriptValueKind.Average ? StatsValue.Average : IsSigned ? _bits : (ulong)_bits;
}
