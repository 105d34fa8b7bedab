using System.Diagnostics;
using Uprobes.Linux;

namespace Uprobes.Arming.Trap;

/// <summary>
/// Keeps the tracer thread on the processor of the thread that it serves, and that thread there too: a stop that crosses
/// processors costs many times one that does not, on virtual machines above all. On the tracer thread only.
/// </summary>
/// <remarks>
/// The tracer follows by its own affinity. That alone does not keep the tracee, whose affinity is its own affair: when it is
/// continued, the scheduler sees the tracer running there and moves it to a processor that is idle (select_idle_sibling,
/// kernel/sched/fair.c). A processor that runs nothing but SCHED_IDLE threads counts as idle, so while hits come thick the
/// tracer takes that policy, where it may also leave it again (CAP_SYS_NICE, or RLIMIT_NICE of 20): then the tracee stays. Under that policy the tracer
/// would starve beside other work, so it is left as soon as the tracer waits for a processor longer than the tracee runs.
/// </remarks>
internal sealed class TracerPlacement
{
    private const int ShortestInterval = 8, LongestInterval = 256;
    private static readonly long DenseHit = Stopwatch.Frequency / 5_000, ShortestHoldOff = Stopwatch.Frequency, LongestHoldOff = 64 * ShortestHoldOff;

    /// <summary>Under SCHED_IDLE it is looked at least so often, since other work may have come to the processor.</summary>
    private static readonly long LongestIdleLook = Stopwatch.Frequency / 100;
    private readonly byte[]? _allowed = Scheduling.GetAffinity();
    private readonly bool _mayBeIdle = Scheduling.IsOrdinary && Scheduling.CanLeaveIdlePolicy();
    private readonly int _self = Tasks.CurrentThreadId;
    private int _interval = ShortestInterval;
    private int _countdown;
    private int _processor = -1;
    private bool _isIdle;
    private int _lastThread;
    private long _lastLook, _notBefore, _holdOff = ShortestHoldOff;
    private int _hits;
    private SchedulerTimes _ownTimes, _threadTimes;

    /// <summary>A thread was stopped by a hit.</summary>
    internal void OnHit(int tid)
    {
        _hits++;
        if (--_countdown <= 0 || (_isIdle && Stopwatch.GetTimestamp() - _lastLook > LongestIdleLook))
            Look(tid);
    }

    /// <summary>Lets the tracer thread run anywhere again, as any other.</summary>
    internal void Release()
    {
        SetIdle(false);
        if (_processor >= 0 && _allowed is not null && Scheduling.SetAffinity(_allowed) == 0)
            _processor = -1;
        _countdown = 0;
    }

    private void Look(int tid)
    {
        ChildStopSignals.Suppress();
        long now = Stopwatch.GetTimestamp();
        int processor = TaskStat.ProcessorOf(tid);
        bool isSame = processor == _processor;
        if (_mayBeIdle)
            ChoosePolicy(tid, now);
        _interval = isSame ? Math.Min(_interval * 2, LongestInterval) : ShortestInterval;
        _countdown = _interval;
        _lastLook = now;
        _hits = 0;
        if (processor < 0 || isSame || _allowed is null || (_allowed[processor >> 3] & (1 << (processor & 7))) == 0)
            return;
        if (Scheduling.SetAffinity(processor) == 0)
            _processor = processor;
    }

    private void ChoosePolicy(int tid, long now)
    {
        SchedulerTimes own = SchedulerTimes.Of(_self), other = SchedulerTimes.Of(tid);
        long elapsed = now - _lastLook;
        bool isDense = elapsed < DenseHit * _hits;
        long waited = own.WaitingNanoseconds - _ownTimes.WaitingNanoseconds;
        long ran = tid == _lastThread ? other.RunningNanoseconds - _threadTimes.RunningNanoseconds : 0;
        (_ownTimes, _threadTimes, _lastThread) = (own, other, tid);
        long elapsedNanoseconds = elapsed * (1_000_000_000 / Stopwatch.Frequency);
        if (_isIdle && waited - ran > elapsedNanoseconds / 4)
        {
            SetIdle(false);
            _notBefore = now + _holdOff;
            _holdOff = Math.Min(_holdOff * 2, LongestHoldOff);
        }
        else
        {
            SetIdle(isDense && now >= _notBefore);
        }
    }

    private void SetIdle(bool idle)
    {
        if (idle != _isIdle && Scheduling.SetIdlePolicy(idle) == 0)
            _isIdle = idle;
    }
}
