namespace Uprobes.Channels;

/// <summary>What a map held at about one moment.</summary>
/// <param name="Definition">The map.</param>
/// <param name="Rows">A value for each key, or each probe, that has one. A sum or a count of 0 without a key is no row.</param>
/// <param name="Corrupt">Cells and entries that no writer of ours leaves, and that were skipped.</param>
internal sealed record MapSnapshot(MapDefinition Definition, IReadOnlyDictionary<MapKey, AggregateValue> Rows, long Corrupt)
{
    /// <summary>The value for a key of integers.</summary>
    internal AggregateValue? Find(params ReadOnlySpan<long> key)
    {
        ulong[] words = [.. System.Runtime.InteropServices.MemoryMarshal.Cast<long, ulong>(key)];
        return Rows.GetValueOrDefault(new MapKey(MapKey.NoProbe, Definition.Keys, words));
    }

    /// <summary>The value of a probe, in a map without a key.</summary>
    internal AggregateValue? OfProbe(int probe) => Rows.GetValueOrDefault(new MapKey(probe, Definition.Keys, []));
}
