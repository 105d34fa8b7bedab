using Uprobes.Images;
using Uprobes.Linux;

namespace Uprobes.Registry;

/// <summary>
/// One image under guard: its lease, how many hold it, and how far the present writer has got. Only used under the
/// guard's lock.
/// </summary>
/// <remarks>
/// <para>Under <see cref="WriteGuardPolicy.Deny"/>:</para>
/// <code>
///             writer comes              two looks find nobody waiting
///   standing --------------> breaking --------------------------------> lapsed
///      ^                        |                                         | |
///      |                        | 80 % of the break time: ForcedByKernel  | |  lease taken again,
///      |                        | lease gone: Overtaken                   | |  file unchanged
///      '------------------------)-----------------------------------------)-'
///                               v                                         v  a writer is in: Overtaken
///                             ended                                     ended
/// </code>
/// <para>
/// The kernel never takes a break back. When the writer gives up (killed, or it never wanted to wait), the lease
/// still ends when the time is over, and the next writer comes without a signal: so it must be given up and taken again.
/// Giving it up while a writer waits would let it in: hence the look at who waits. Two looks must agree, here and where
/// the lease is taken again, since sessions may guard the same file: a writer is in no queue for the moment in which it goes
/// on from another session's lease to ours, and another session's lease is in no list while it is taken again.
/// </para>
/// </remarks>
internal sealed class WriteGuardedImage(ImageId id, string path, FileLease lease) : IDisposable
{
    /// <summary>Share of the break time after which the probes go; the rest is for removing them.</summary>
    internal const double ShareUntilForced = 0.8;

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(2), LongestPause = TimeSpan.FromMilliseconds(100);

    private Phase phase = Phase.Standing;
    private TimeSpan since;
    private TimeSpan pause;
    private int sameLooks;
    private string? tableKey;
    private (long Length, DateTime Modified) stamp;

    private enum Phase
    {
        Standing,
        Breaking,
        Lapsed,
        Ended,
    }

    internal ImageId Id { get; } = id;

    internal FileLease Lease { get; } = lease;

    /// <summary>How many calls of Protect are not yet matched by one of Release.</summary>
    internal int Holders { get; set; } = 1;

    /// <summary>Whether the break was told: the lease goes as soon as the probes are removed.</summary>
    internal bool IsEnded => phase == Phase.Ended;

    /// <summary>Whether no writer has come since the lease was taken, seen by us or not.</summary>
    internal bool IsStanding => phase == Phase.Standing && Lease.Read() == FileLeaseState.Active;

    /// <summary>Looks at the lease and does what the policy says; gives the break to tell, if there is one now.</summary>
    /// <param name="policy">Not <see cref="WriteGuardPolicy.None"/>.</param>
    /// <param name="now">A monotonic clock.</param>
    /// <param name="breakTime">How long the kernel makes writers wait; null for ever.</param>
    internal WriteGuardBreak? Look(WriteGuardPolicy policy, TimeSpan now, TimeSpan? breakTime)
    {
        if (phase == Phase.Standing)
        {
            if (Lease.Read() == FileLeaseState.Active)
            {
                return null;
            }

            if (policy == WriteGuardPolicy.DisarmAndAllow)
            {
                return End(WriteGuardBreakReason.WriterAllowed);
            }

            (phase, since, pause, sameLooks) = (Phase.Breaking, now, ShortestPause, 0);
        }

        return phase switch
        {
            Phase.Breaking => LookWhileBreaking(now, breakTime),
            Phase.Lapsed => TakeAgain(now, breakTime),
            _ => null,
        };
    }

    /// <summary>How long until the next look, when no signal comes; null when the signal alone will do.</summary>
    internal TimeSpan? UntilNextLook(TimeSpan now, TimeSpan? breakTime)
    {
        if (phase is Phase.Standing or Phase.Ended)
        {
            return null;
        }

        TimeSpan wait = pause;
        pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        TimeSpan left = (since + breakTime * ShareUntilForced - now) ?? wait;
        return left < TimeSpan.Zero ? TimeSpan.Zero : left < wait ? left : wait;
    }

    /// <summary>Gives the lease up: a writer that waits goes on.</summary>
    public void Dispose() => Lease.Dispose();

    private WriteGuardBreak? LookWhileBreaking(TimeSpan now, TimeSpan? breakTime)
    {
        if (Lease.Read() == FileLeaseState.Gone)
        {
            return End(WriteGuardBreakReason.Overtaken);
        }

        if (now - since >= breakTime * ShareUntilForced)
        {
            return End(WriteGuardBreakReason.ForcedByKernel);
        }

        tableKey ??= Lease.TableKey();
        if (tableKey is null || LeaseTable.TryRead(tableKey) is not { Leases: > 0, Writers: 0 })
        {
            sameLooks = 0;
            return null;
        }

        if (++sameLooks < 2)
        {
            return null;
        }

        stamp = Lease.Stamp();
        Lease.Release();
        (phase, since, pause, sameLooks) = (Phase.Lapsed, now, ShortestPause, 0);
        return TakeAgain(now, breakTime);
    }

    private WriteGuardBreak? TakeAgain(TimeSpan now, TimeSpan? breakTime)
    {
        if (Lease.TryTake(out int error))
        {
            phase = Phase.Standing;
            return Lease.Stamp() == stamp ? null : End(WriteGuardBreakReason.Overtaken);
        }

        if (error != Errno.EAGAIN || now - since >= breakTime * ShareUntilForced)
        {
            return End(WriteGuardBreakReason.Overtaken);
        }

        // EAGAIN: a writer is in, or another session's lease on the file still breaks. That one keeps writers waiting, too,
        // until its session has looked, so nothing is lost by trying again.
        sameLooks = LeaseTable.TryRead(tableKey!) is { Leases: > 0 } ? 0 : sameLooks + 1;
        return sameLooks < 2 ? null : End(WriteGuardBreakReason.Overtaken);
    }

    private WriteGuardBreak End(WriteGuardBreakReason reason)
    {
        phase = Phase.Ended;
        return WriteGuardBreak.Create(reason, path);
    }
}
