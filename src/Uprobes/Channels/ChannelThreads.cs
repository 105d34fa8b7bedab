namespace Uprobes.Channels;

/// <summary>A thread that has written to a channel.</summary>
/// <param name="Slot">Its slot, and its record.</param>
/// <param name="Key">What it is found by: its FS base + 1, or what an interpreter's writer calls it; 0 or all ones where it has ended.</param>
/// <param name="ThreadId">As the target, or the tracer, has written it; not to be trusted.</param>
internal readonly record struct ChannelThread(int Slot, ulong Key, int ThreadId);

/// <summary>The table of threads of a channel. A record without a thread in the table has never been written, and is never looked at.</summary>
internal static class ChannelThreads
{
    private const int ThreadIdOffset = 8;

    /// <summary>The key of a slot that a thread has left: no FS base is one less.</summary>
    private const ulong Left = ulong.MaxValue;

    /// <summary>All threads that have, or had, a slot.</summary>
    internal static List<ChannelThread> Read(ChannelMemory channel)
    {
        using ChannelHold hold = channel.Hold();
        List<ChannelThread> threads = [];
        for (int slot = 0; slot < channel.Layout.ThreadSlots; slot++)
        {
            if (TryRead(channel, slot, out ChannelThread thread))
                threads.Add(thread);
        }

        return threads;
    }

    /// <summary>
    /// To be called when a thread of the target begins, before its first instruction. The C library gives a new thread the stack, and with it
    /// the FS base, of one that has ended: it will find that one's slot, which gets the new thread's id. Another is given a slot on its way of
    /// search that an ended thread has left. Records and counts stay.
    /// </summary>
    /// <param name="channel">The channel.</param>
    /// <param name="fsBase">The new thread's.</param>
    /// <param name="tid">The new thread's, as the target sees it.</param>
    /// <returns>Whether there was such a slot.</returns>
    internal static bool ThreadStarted(ChannelMemory channel, ulong fsBase, int tid)
    {
        using ChannelHold hold = channel.Hold();
        int slot = Find(channel, fsBase + 1, out int left);
        if (slot < 0 && left < 0)
            return false;
        slot = slot < 0 ? left : slot;
        channel.Write(KeyOffset(slot) + ThreadIdOffset, (uint)tid);
        channel.Write(KeyOffset(slot), fsBase + 1);
        return true;
    }

    /// <summary>To be called when a thread of the target has ended: another may have its slot. What it has written stays.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="fsBase">The thread's.</param>
    /// <param name="tid">The thread's, as the target saw it: its slot may be that of a new thread on the same stack already.</param>
    internal static void ThreadEnded(ChannelMemory channel, ulong fsBase, int tid)
    {
        using ChannelHold hold = channel.Hold();
        int slot = Find(channel, fsBase + 1, out _);
        // Not free: other threads' ways of search go on behind it.
        if (slot >= 0 && (int)channel.Read(KeyOffset(slot) + ThreadIdOffset) == tid)
            channel.CompareExchange(KeyOffset(slot), fsBase + 1, Left);
    }

    /// <summary>Searches as the target's code does, up to a free slot.</summary>
    /// <returns>The slot, or -1.</returns>
    private static int Find(ChannelMemory channel, ulong key, out int left)
    {
        ChannelLayout layout = channel.Layout;
        int first = layout.SlotOf(key - 1);
        left = -1;
        for (int i = 0; i < layout.ThreadSlots; i++)
        {
            int slot = (first + i) & (layout.ThreadSlots - 1);
            ulong found = channel.Read(KeyOffset(slot));
            if (found == 0)
                break;
            if (found == key)
                return slot;
            if (found == Left && left < 0)
                left = slot;
        }

        return -1;
    }

    /// <summary>The thread of a slot, if one ever was there. The caller holds the channel.</summary>
    internal static bool TryRead(ChannelMemory channel, int slot, out ChannelThread thread)
    {
        thread = new ChannelThread(slot, channel.Read(KeyOffset(slot)), (int)channel.Read(KeyOffset(slot) + ThreadIdOffset));
        return thread.Key != 0 || thread.ThreadId != 0;
    }

    /// <summary>Where a slot's key is in the channel; its thread id follows.</summary>
    internal static long KeyOffset(int slot) => ChannelLayout.ThreadTableOffset + ((long)slot * ChannelLayout.ThreadSlotSize);

    /// <summary>Where a slot's record is in the channel.</summary>
    internal static long RecordOffset(ChannelLayout layout, int slot) => layout.RecordsOffset + ((long)slot * layout.RecordStride);

    /// <summary>Finds a thread's slot, or takes a free one for it.</summary>
    /// <returns>The slot; -1 where none is free.</returns>
    internal static int FindOrAdd(ChannelMemory channel, ulong key, int tid)
    {
        ChannelLayout layout = channel.Layout;
        int first = layout.SlotOf(key - 1);
        for (int i = 0; i < layout.ThreadSlots; i++)
        {
            int slot = (first + i) & (layout.ThreadSlots - 1);
            ulong found = channel.Read(KeyOffset(slot));
            if (found == 0 && channel.CompareExchange(KeyOffset(slot), 0, key))
            {
                channel.Write(KeyOffset(slot) + ThreadIdOffset, (uint)tid);
                return slot;
            }

            if (found == key)
                return slot;
        }

        return -1;
    }

    /// <summary>Frees a slot for another thread, which goes on with its record. Only where all threads are found by one writer, since searches end at a free slot.</summary>
    internal static void Remove(ChannelMemory channel, int slot) => channel.Write(KeyOffset(slot), 0);
}
