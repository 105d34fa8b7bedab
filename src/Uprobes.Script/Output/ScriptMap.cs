namespace Uprobes.Script.Output;

/// <summary>What a map held when it was read. Immutable when its list is.</summary>
/// <param name="Name">Its name with the sign: <c>@bytes</c>, <c>@</c>.</param>
/// <param name="Entries">Keys and values in any order. The value of a map without keys is an entry whose key does not count.</param>
public sealed record ScriptMap(string Name, IReadOnlyList<ScriptMapEntry> Entries)
{
    /// <summary>It has no keys: <c>@x = 1</c>.</summary>
    public bool IsScalar { get; private init; }

    /// <summary>What <c>print()</c> shows of a map without keys that has no value; nothing for one with keys.</summary>
    public ScriptValue Zero { get; private init; }

    /// <summary>Nothing was ever stored, or it was cleared.</summary>
    public bool IsEmpty => Entries.Count == 0;

    /// <summary>A map without keys that has a value.</summary>
    /// <param name="name">Its name with the sign.</param>
    /// <param name="value">Its value.</param>
    public static ScriptMap Scalar(string name, ScriptValue value) => new(name, [new ScriptMapEntry(ScriptValue.None, value)]) { IsScalar = true, Zero = value };

    /// <summary>A map without keys that has no value.</summary>
    /// <param name="name">Its name with the sign.</param>
    /// <param name="zero">The zero of its type: what printing it shows.</param>
    public static ScriptMap EmptyScalar(string name, ScriptValue zero) => new(name, []) { IsScalar = true, Zero = zero };

    /// <summary>The value of a map without keys.</summary>
    internal ScriptValue ScalarValue => IsEmpty ? Zero : Entries[0].Value;
}

/// <summary>A key of a map and its value.</summary>
/// <param name="Key">The key; a tuple where there are several.</param>
/// <param name="Value">The value.</param>
public readonly record struct ScriptMapEntry(ScriptValue Key, ScriptValue Value);
