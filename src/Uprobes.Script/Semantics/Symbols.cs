using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>A <c>$variable</c>: each has one type, in the block where it is declared or first assigned.</summary>
internal sealed class VariableSymbol(string name, SourceSpan declared)
{
    /// <summary>Without the sigil.</summary>
    internal string Name { get; } = name;

    /// <summary>Where it is declared or first assigned.</summary>
    internal SourceSpan Declared { get; } = declared;

    /// <summary>What it holds. A <see cref="StructType"/> is held as its address.</summary>
    internal ScriptType Type { get; set; } = ScriptType.Unknown;

    /// <summary>Where its type was decided.</summary>
    internal SourceSpan TypeSpan { get; set; } = declared;

    /// <summary>Whether its declaration states the type, which no assignment changes.</summary>
    internal bool IsTypeFixed { get; set; }

    public override string ToString() => "$" + Name;
}

/// <summary>A <c>@map</c>.</summary>
internal sealed class MapSymbol(string name)
{
    /// <summary>Without the sigil; empty for <c>@</c>.</summary>
    internal string Name { get; } = name;

    /// <summary>Whether it has keys; null where nothing of the script says.</summary>
    internal bool? HasKeys { get; set; }

    /// <summary>Where that was said.</summary>
    internal SourceSpan KeysSpan { get; set; }

    /// <summary>The key: several keys are a <see cref="TupleType"/>. Unknown without keys.</summary>
    internal ScriptType KeyType { get; set; } = ScriptType.Unknown;

    /// <summary>What it holds for a key; an <see cref="AggregateType"/> for one that aggregates.</summary>
    internal ScriptType ValueType { get; set; } = ScriptType.Unknown;

    /// <summary>Where the value's type was decided.</summary>
    internal SourceSpan ValueSpan { get; set; }

    /// <summary>
    /// Parameters of the aggregate function: [k] for hist; [min, max, step] for lhist; [interval in nanoseconds, intervals,
    /// <see cref="AggregateFunction"/> or -1 for the last value] for tseries.
    /// </summary>
    internal IReadOnlyList<long> Parameters { get; set; } = [];

    /// <summary>Most entries, where the script declares them (<c>let @a = hash(100)</c>).</summary>
    internal int? Entries { get; set; }

    /// <summary>Whether an old entry makes room for a new one when it is full.</summary>
    internal bool EvictsOldest { get; set; }

    /// <summary>Where it is first named.</summary>
    internal SourceSpan Declared { get; set; }

    public override string ToString() => "@" + Name;
}
