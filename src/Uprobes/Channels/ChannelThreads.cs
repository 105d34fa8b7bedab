namespace Uprobes.Channels;

/// <summary>A thread that has written to a channel.</summary>
/// <param name="Slot">Its slot, and its record.</param>
/// <param name="Key">What it is found by: its FS base + 1, or what an interpreter's writer calls it; 0 where it has ended.</param>
/// <param name="ThreadId">As the target, or the tracer, has written it; not to be trusted.</param>
internal readonly record struct ChannelThread(int Slot, ulong Key, int ThreadId);

/// <summary>The table of threads of a channel. A record without a thread in the table has never been written, and is never looked at.</summary>
internal static class ChannelThreads
{
    private const int ThreadIdOffset = 8;

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
    /// To be called when a thread of the target begins. The C library gives a new thread the stack, and with it the FS base, of one
    /// that has ended: it will find that one's slot, which gets the new thread's id. Records and counts stay.
    /// </summary>
    /// <param name="channel">The channel.</param>
    /// <param name="fsBase">The new thread's.</param>
    /// <param name="tid">The new thread's, as the target sees it.</param>
    /// <returns>Whether there was such a slot.</returns>
    internal static bool ThreadStarted(ChannelMemory channel, ulong fsBase, int tid)
    {
        using ChannelHold hold = channel.Hold();
        ChannelLayout layout = channel.Layout;
        int first = layout.SlotOf(fsBase);
        for (int i = 0; i < layout.ThreadSlots; i++)
        {
            int slot = (first + i) & (layout.ThreadSlots - 1);
            ulong key = channel.Read(KeyOffset(slot));
            if (key == 0)
                return false; // The search of the target's code ends here too.
            if (key != fsBase + 1)
                continue;
            channel.Write(KeyOffset(slot) + ThreadIdOffset, (uint)tid);
            return true;
        }

        return false;
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
