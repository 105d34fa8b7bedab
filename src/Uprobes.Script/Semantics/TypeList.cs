using System.Collections;

namespace Uprobes.Script.Semantics;

/// <summary>Types in an order; equal where their types are.</summary>
internal sealed class TypeList(IReadOnlyList<ScriptType> types) : IReadOnlyList<ScriptType>, IEquatable<TypeList>
{
    public int Count => types.Count;

    public ScriptType this[int index] => types[index];

    public IEnumerator<ScriptType> GetEnumerator() => types.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool Equals(TypeList? other) => other is not null && types.SequenceEqual(other);

    public override bool Equals(object? obj) => Equals(obj as TypeList);

    public override int GetHashCode() => types.Aggregate(types.Count, HashCode.Combine);

    public override string ToString() => string.Join(',', types);
}

/// <summary>Names in an order; equal where they are the same.</summary>
internal sealed class NameList(IReadOnlyList<string> names) : IReadOnlyList<string>, IEquatable<NameList>
{
    public int Count => names.Count;

    public string this[int index] => names[index];

    public IEnumerator<string> GetEnumerator() => names.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool Equals(NameList? other) => other is not null && names.SequenceEqual(other);

    public override bool Equals(object? obj) => Equals(obj as NameList);

    public override int GetHashCode() => names.Aggregate(names.Count, HashCode.Combine);

    /// <summary>Where a name is; -1 where it is not.</summary>
    internal int IndexOf(string name)
    {
        for (int i = 0; i < names.Count; i++)
        {
            if (names[i] == name)
                return i;
        }

        return -1;
    }
}
