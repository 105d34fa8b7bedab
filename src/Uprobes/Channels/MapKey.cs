using System.Runtime.InteropServices;

namespace Uprobes.Channels;

/// <summary>Of what a map keeps a value: for a map without a key the probe, otherwise the key's parts. Equal keys have equal parts.</summary>
internal readonly struct MapKey : IEquatable<MapKey>
{
    /// <summary><see cref="Probe"/> of a map with a key, which all probes share.</summary>
    internal const int NoProbe = -1;

    private readonly IReadOnlyList<DataType> _types;
    private readonly ulong[] _words;

    /// <param name="probe">The probe's index in its group, or <see cref="NoProbe"/>.</param>
    /// <param name="types">Types of the key's parts.</param>
    /// <param name="words">The key as it is stored; <see cref="StoredValue.IsPossible"/> for each part.</param>
    internal MapKey(int probe, IReadOnlyList<DataType> types, ulong[] words) => (Probe, _types, _words) = (probe, types, words);

    internal int Probe { get; }

    /// <summary>The key as it is stored.</summary>
    internal ReadOnlySpan<ulong> Stored => _words;

    /// <summary>Whether it is a key of a map: of these types, and in the one form that each value has.</summary>
    internal bool IsOf(MapDefinition map) =>
        _types is not null && Probe == NoProbe && _types.SequenceEqual(map.Keys) && StoredValue.ArePossible(map.Keys, _words);

    /// <summary>How many parts the key has.</summary>
    internal int Parts => _types.Count;

    internal DataType TypeOf(int part) => _types[part];

    /// <summary>A part that is an integer, in its type's sign.</summary>
    internal long Integer(int part) => (long)_words[StoredValue.OffsetOf(_types, part)];

    /// <summary>The bytes of a part that is a text.</summary>
    internal ReadOnlySpan<byte> Text(int part) => StoredValue.TextOf(Words(part));

    /// <summary>Whether bytes of a text are missing at its end.</summary>
    internal bool IsCut(int part) => StoredValue.IsCut(Words(part));

    public bool Equals(MapKey other) => Probe == other.Probe && _words.AsSpan().SequenceEqual(other._words);

    public override bool Equals(object? obj) => obj is MapKey other && Equals(other);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Probe);
        hash.AddBytes(MemoryMarshal.AsBytes(_words.AsSpan()));
        return hash.ToHashCode();
    }

    private ReadOnlySpan<ulong> Words(int part) => _words.AsSpan(StoredValue.OffsetOf(_types, part), _types[part].StoredSize / 8);
}
