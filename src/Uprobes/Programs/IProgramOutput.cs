namespace Uprobes.Programs;

/// <summary>
/// Where a program's effects go. It knows of which probe and which thread the hit is. Keys and fields come as they are stored
/// (<see cref="Channels.DataType.StoredSize"/>), in 64-bit words; integers are wrapped to their type and extended to 64 bits.
/// Losses (no room for a key, an event, a call) are the output's own to count: a program does not notice them.
/// </summary>
internal interface IProgramOutput
{
    /// <summary>Puts a value into a map's cell, in the way of its kind. The value is 0 for <see cref="Channels.AggregateKind.Count"/>.</summary>
    void Aggregate(int map, ReadOnlySpan<ulong> key, long value);

    /// <summary>The value of a map of kind <see cref="Channels.AggregateKind.Value"/>.</summary>
    /// <returns>False, and a value of 0, where the key has none.</returns>
    bool TryGetValue(int map, ReadOnlySpan<ulong> key, out long value);

    /// <summary>A word of the cell that a map that is read (<see cref="Channels.MapDefinition.IsRead"/>) has for a key; 0 where it has none.</summary>
    ulong CellWord(int map, ReadOnlySpan<ulong> key, int word);

    /// <summary>Takes out what a map of kind <see cref="Channels.AggregateKind.Value"/>, or one that is read, has for a key; without effect where it has none.</summary>
    void DeleteKey(int map, ReadOnlySpan<ulong> key);

    /// <summary>Sends an event.</summary>
    void Emit(int @event, ReadOnlySpan<ulong> fields);

    /// <summary>Has the return program run when this call returns. Once in a run at most.</summary>
    void FollowCall(ReadOnlySpan<ulong> words);

    /// <summary>Memory could not be read.</summary>
    void CountFailedRead();
}
