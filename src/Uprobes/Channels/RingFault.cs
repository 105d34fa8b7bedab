namespace Uprobes.Channels;

/// <summary>What is wrong with a ring that is no longer read.</summary>
internal enum RingFaultKind
{
    /// <summary>More is said to be written than there is room, or a part of a word.</summary>
    ImpossibleHead,

    /// <summary>Somebody else has moved the reader's own mark.</summary>
    MovedTail,

    /// <summary>A record of a size or kind that does not exist.</summary>
    ImpossibleRecord,
}

/// <summary>A ring that made no sense, and is no longer read: the target has written over it. The rest of the channel is read on.</summary>
/// <param name="Slot">Its slot.</param>
/// <param name="ThreadId">The thread of the slot, as the target says.</param>
/// <param name="Kind">What is wrong.</param>
/// <param name="UnreadBytes">How much was in it that is lost; 0 where that cannot be told.</param>
internal readonly record struct RingFault(int Slot, int ThreadId, RingFaultKind Kind, int UnreadBytes);
