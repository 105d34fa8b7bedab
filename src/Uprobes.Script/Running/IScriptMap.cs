using Uprobes.Script.Output;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <summary>
/// What a running script keeps under one of its <c>@names</c>, wherever that is: in this process, or in memory that the target
/// writes. Safe to use from several threads. Keys have the map's key type; the key of a map without keys is
/// <see cref="ScriptValue.None"/>.
/// </summary>
internal interface IScriptMap
{
    /// <summary>Which map of the script it is.</summary>
    MapSymbol Symbol { get; }

    /// <summary>How many entries there are; 1 for a map without keys that has a value.</summary>
    int Count { get; }

    /// <summary>How many new entries found no room so far.</summary>
    long Overflow { get; }

    /// <summary>The value of a key; of a map that aggregates, the aggregate so far.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value; nothing where there is none.</param>
    /// <returns>Whether there is one.</returns>
    bool TryGet(in ScriptValue key, out ScriptValue value);

    /// <summary>Gives a key a value of the map's type. Where the map is full, that is counted and nothing changes.</summary>
    void Set(in ScriptValue key, in ScriptValue value);

    /// <summary>Puts a number into a key's aggregate. Where the map is full, that is counted and nothing changes.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">64 bits, signed as the map's type says; does not count for count().</param>
    void Aggregate(in ScriptValue key, long value);

    /// <summary>Removes an entry; returns whether there was one.</summary>
    bool Delete(in ScriptValue key);

    /// <summary>Removes all entries.</summary>
    void Clear();

    /// <summary>Keeps the keys and sets every value to the zero of its type.</summary>
    void Zero();

    /// <summary>What it holds now.</summary>
    ScriptMap Snapshot();
}
