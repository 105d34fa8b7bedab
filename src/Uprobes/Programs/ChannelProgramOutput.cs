using Uprobes.Channels;

namespace Uprobes.Programs;

/// <summary>
/// Puts what interpreted programs do into a channel, as emitted code would. For one thread at a time, and one hit: <see cref="TryBegin"/>,
/// then <see cref="Interpreter.Run"/>, then for an entry program <see cref="FollowsCall"/>. The channel outlives the last call.
/// </summary>
internal sealed class ChannelProgramOutput : IProgramOutput
{
    private readonly ChannelWriter _writer;
    private readonly ulong[] _words = new ulong[ProgramLimits.FollowWords];
    private int _slot, _probe, _threadId, _wordCount;
    private ulong _ticks;

    internal ChannelProgramOutput(ChannelWriter writer) => _writer = writer;

    /// <summary>Whether the program has asked for the call's return. Who cannot follow it says so by <see cref="CountLostReturn"/>.</summary>
    internal bool FollowsCall { get; private set; }

    /// <summary>The words that the program keeps for the return program; a later hit overwrites them.</summary>
    internal ReadOnlySpan<ulong> KeptWords => _words.AsSpan(0, _wordCount);

    /// <summary>Begins a hit.</summary>
    /// <param name="key">The thread's, as <see cref="ChannelWriter.SlotOf"/> wants it.</param>
    /// <param name="threadId">The thread's id, as the target sees it.</param>
    /// <param name="probe">The probe's index in its group.</param>
    /// <param name="ticks">The time stamp counter, for events.</param>
    /// <returns>False where the channel has no room for the thread, which it counts as a lost hit: no program is to be run.</returns>
    internal bool TryBegin(ulong key, int threadId, int probe, ulong ticks)
    {
        (_probe, _threadId, _ticks, _wordCount, FollowsCall) = (probe, threadId, ticks, 0, false);
        _slot = _writer.SlotOf(key, threadId);
        return _slot >= 0;
    }

    /// <summary>Counts that the return of this hit's call cannot be followed.</summary>
    internal void CountLostReturn() => _writer.CountLostReturn(_slot);

    public void Aggregate(int map, ReadOnlySpan<ulong> key, long value) => _writer.AddToCell(_slot, map, _probe, key, value);

    public bool TryGetValue(int map, ReadOnlySpan<ulong> key, out long value) => _writer.TryRead(_slot, map, _probe, key, out value);

    public ulong CellWord(int map, ReadOnlySpan<ulong> key, int word) => _writer.ReadWord(_slot, map, key, word);

    public void DeleteKey(int map, ReadOnlySpan<ulong> key) => _writer.Delete(_slot, map, _probe, key);

    public void Emit(int @event, ReadOnlySpan<ulong> fields) => _writer.Emit(_slot, @event, _threadId, _ticks, fields);

    public void FollowCall(ReadOnlySpan<ulong> words)
    {
        words.CopyTo(_words);
        (_wordCount, FollowsCall) = (words.Length, true);
    }

    public void CountFailedRead() => _writer.CountFailedRead(_slot);
}
