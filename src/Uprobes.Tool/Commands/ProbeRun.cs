using Uprobes.Registry;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Commands;

/// <summary>Why a run ended.</summary>
internal enum RunEnd
{
    /// <summary>Ctrl-C or a signal.</summary>
    Interrupted,

    /// <summary>The processes have ended.</summary>
    Completed,

    /// <summary>The time or the number of calls asked for is reached.</summary>
    Enough,

    /// <summary>Results can no longer be written.</summary>
    OutputEnded,
}

/// <summary>
/// The time from start to end of a probing command: waits on the main thread for whatever comes first, tells notices,
/// calls back at intervals. The probes are removed before the results are finished, so that no target waits for a terminal.
/// </summary>
internal sealed class ProbeRun(IProbeSession session, RunEvents events, StatusLines status)
{
    private static readonly TimeSpan Forever = TimeSpan.FromHours(1);
    private readonly List<ProbeRefusal> _lateRefusals = [];
    private long _lost;

    /// <summary>Calls lost and told about so far.</summary>
    public long Lost => _lost;

    /// <summary>Probes that were refused in a process or mapping after the start, as far as they were told about.</summary>
    public IReadOnlyList<ProbeRefusal> LateRefusals => _lateRefusals;

    /// <summary>Starts the command, if there is one, and waits for the end of the run.</summary>
    /// <param name="duration">When to end, or null.</param>
    /// <param name="interval">How often to call <paramref name="tick"/>, or null.</param>
    /// <param name="tick">Called on this thread.</param>
    public RunEnd Wait(TimeSpan? duration, TimeSpan? interval, Action tick)
    {
        session.Completion.ContinueWith(_ => events.Post(new RunEvent.Completed()), CancellationToken.None,
            TaskContinuationOptions.None, TaskScheduler.Default);
        session.Start();
        var started = TimeProvider.System.GetTimestamp();
        var nextTick = interval;
        while (true)
        {
            var elapsed = TimeProvider.System.GetElapsedTime(started);
            if (duration <= elapsed)
                return RunEnd.Enough;
            if (nextTick <= elapsed)
            {
                tick();
                nextTick += interval;
                continue;
            }
            var next = Min(Min(duration, nextTick) - elapsed, Forever);
            if (events.Take(next) is { } runEvent && Handle(runEvent) is { } end)
                return end;
        }
    }

    /// <summary>After the probes were removed before the started command ended: waits for it, so that its exit code can be handed on.</summary>
    public RunEnd WaitForCommand()
    {
        while (true)
        {
            if (events.Take(Forever) is { } runEvent && Handle(runEvent) is { } end and (RunEnd.Completed or RunEnd.Interrupted))
                return end;
        }
    }

    /// <summary>Tells what still waits to be told.</summary>
    public void TellTheRest()
    {
        while (events.Take(TimeSpan.Zero) is { } runEvent)
            Handle(runEvent);
        if (events.DroppedNotices is > 0 and var dropped)
            status.Write($"{dropped} more notices are not shown");
    }

    private RunEnd? Handle(RunEvent runEvent)
    {
        switch (runEvent)
        {
            case RunEvent.Interrupted:
                return RunEnd.Interrupted;
            case RunEvent.Completed:
                return RunEnd.Completed;
            case RunEvent.LimitReached:
                return RunEnd.Enough;
            case RunEvent.OutputEnded:
                return RunEnd.OutputEnded;
            case RunEvent.Lost { Count: var count }:
                _lost += count;
                status.Write($"lost {Amount.Of(count, "event")}: they came faster than they could be written (--buffer keeps more)");
                return null;
            case RunEvent.Noticed { Notice: var notice }:
                if (notice.Refusal is { } refusal)
                    _lateRefusals.Add(refusal);
                status.Write(notice.ProcessId is { } processId ? $"[{processId}] {notice.Message}" : notice.Message);
                return null;
            default:
                throw new InvalidOperationException($"Unknown event {runEvent}.");
        }
    }

    private static TimeSpan Min(TimeSpan? left, TimeSpan right) => left is { } value && value < right ? value : right;

    private static TimeSpan? Min(TimeSpan? left, TimeSpan? right) => left is null ? right : right is null ? left : Min(left, right.Value);
}
