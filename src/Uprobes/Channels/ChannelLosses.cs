namespace Uprobes.Channels;

/// <summary>What a channel's writers could not record, summed over threads, as the channel says: the target may have written anything there.</summary>
/// <param name="Threads">Hits of threads that found no free slot.</param>
/// <param name="Events">Events for which a ring had no room.</param>
/// <param name="Keys">Values for which a table had no room, or whose key another thread was just putting in.</param>
/// <param name="FailedReads">Reads of memory that was not there.</param>
/// <param name="Returns">Calls whose return could not be followed.</param>
/// <param name="Other">Anything else.</param>
internal readonly record struct ChannelLosses(ulong Threads, ulong Events, ulong Keys, ulong FailedReads, ulong Returns, ulong Other)
{
    /// <summary>What a channel says now.</summary>
    internal static ChannelLosses Read(ChannelMemory channel)
    {
        using ChannelHold hold = channel.Hold();
        var losses = new ChannelLosses(channel.Read(ChannelLayout.LostThreadsOffset), 0, 0, 0, 0, channel.Read(ChannelLayout.LostOtherOffset));
        for (int slot = 0; slot < channel.Layout.ThreadSlots; slot++)
        {
            if (!ChannelThreads.TryRead(channel, slot, out _))
                continue;
            long record = ChannelThreads.RecordOffset(channel.Layout, slot);
            losses += new ChannelLosses(
                0,
                channel.Read(record + ChannelLayout.LostEventsOffset),
                channel.Read(record + ChannelLayout.LostKeysOffset),
                channel.Read(record + ChannelLayout.FailedReadsOffset),
                channel.Read(record + ChannelLayout.LostReturnsOffset),
                0);
        }

        return losses;
    }

    /// <summary>Those of two channels together.</summary>
    public static ChannelLosses operator +(ChannelLosses a, ChannelLosses b) =>
        new(a.Threads + b.Threads, a.Events + b.Events, a.Keys + b.Keys, a.FailedReads + b.FailedReads, a.Returns + b.Returns, a.Other + b.Other);
}
