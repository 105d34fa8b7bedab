using Uprobes.Channels.X64;
using Uprobes.Linux;

namespace Uprobes.Channels;

/// <summary>
/// Converts the time stamp counter to CLOCK_MONOTONIC nanoseconds (our own time namespace's). The clock's rate is steered, so that
/// one line would drift away: samples are taken time and again, times between two samples lie on the line through them, later ones
/// on a line through the newest and one ten to twenty seconds older. Any thread may convert; <see cref="Refine"/> before a batch of
/// conversions makes them exact to the samples, some tens of nanoseconds.
/// </summary>
internal sealed class TickClock : IDisposable
{
    private const long FirstSpacing = 1_000_000, LastSpacing = 20_000_000, Baseline = 10_000_000_000, Overdue = 1_000_000_000;
    private const int MostSamples = 128;

    private readonly Lock _gate = new();
    private readonly Func<TickSample> _sample;
    private readonly IDisposable? _owned;
    private readonly List<TickSample> _samples = [];
    private long _spacing = FirstSpacing;
    private ulong _bestWindow;
    private bool _disposed;

    // Two samples at least ten seconds apart where there are such: the newest line begins at the older one.
    private TickSample _far, _near;

    // The line from each sample to the next, as that sample's moment with the rate; the last line has no end. Replaced, never changed.
    private volatile TickCalibration[] _lines;

    /// <summary>Calibrates with samples of the caller's, the first two at least about a millisecond apart.</summary>
    internal TickClock(Func<TickSample> sample, TickSample first, TickSample second, IDisposable? owned = null)
    {
        (_sample, _owned) = (sample, owned);
        _samples.Add(first);
        _samples.Add(second);
        (_far, _near) = (first, second);
        _bestWindow = Math.Min(first.Window, second.Window);
        _lines = [];
        SetLines();
    }

    /// <summary>Whether the counter tells time on this machine; if not, a clock must not be used.</summary>
    internal static TickCounterSupport Support => TickCounterFlags.Read();

    /// <summary>How often counter and clock came apart (the machine slept, or was moved) and calibration began anew.</summary>
    internal int Jumps { get; private set; }

    /// <summary>The line for times from now on, for a target's own reckoning: off by about the time since then x 10^-5 at first, far less later.</summary>
    internal TickCalibration Calibration => _lines[^1];

    /// <summary>Calibrates; takes little more than a millisecond.</summary>
    /// <exception cref="SyscallException">No memory, or a policy forbids to make it executable.</exception>
    internal static TickClock Create()
    {
        var counter = new TickCounter();
        return Create(counter, counter.Sample());
    }

    /// <summary>Calibrates from a sample that was taken before: where a millisecond has passed since then, this one need not wait for it.</summary>
    /// <param name="counter">Taken over.</param>
    /// <param name="first">A sample of it.</param>
    internal static TickClock Create(TickCounter counter, in TickSample first)
    {
        TickSample second = first;
        while (second.Nanoseconds - first.Nanoseconds < FirstSpacing)
            second = MonotonicClock.Nanoseconds - first.Nanoseconds < FirstSpacing ? second : counter.Sample();
        return new TickClock(counter.Sample, first, second, counter);
    }

    /// <summary>CLOCK_MONOTONIC nanoseconds at a reading of the counter. Any number gives a result.</summary>
    internal long ToNanoseconds(ulong ticks)
    {
        TickCalibration[] lines = _lines;
        int line = lines.Length - 1;
        if (ticks < lines[line].Ticks && line > 0 && ticks < lines[--line].Ticks)
            line = LineOf(lines, ticks);
        return lines[line].ToNanoseconds(ticks);
    }

    /// <summary>The counter at a time by the newest line, for what is stamped with times and read with counters.</summary>
    internal ulong ToTicks(long nanoseconds)
    {
        TickCalibration line = Calibration;
        return unchecked(line.Ticks + (ulong)(long)((((Int128)nanoseconds - line.Nanoseconds) << 32) / line.Rate));
    }

    /// <summary>Takes another sample if the last is old enough (1 ms at first, later 20 ms). To be called about as often as events are read.</summary>
    internal void Refine()
    {
        lock (_gate)
        {
            TickSample last = _samples[^1];
            if (_disposed || IsTooEarly(last))
                return;
            TickSample sample = _sample();
            long elapsed = sample.Nanoseconds - last.Nanoseconds;
            if (elapsed >= 0 && elapsed < _spacing)
                return;

            // A sample that was interrupted is worth less than none.
            if (sample.Window > (4 * _bestWindow) + 100 && elapsed is >= 0 and < Overdue)
                return;
            _bestWindow = Math.Min(_bestWindow, sample.Window);
            _spacing = Math.Min(_spacing * 2, LastSpacing);
            Add(last, sample);
        }
    }

    /// <summary>Takes no more samples; times can still be converted.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _owned?.Dispose();
        }
    }

    // A sample takes sixteen readings; the time alone takes one.
    private bool IsTooEarly(TickSample last) =>
        _owned is not null && MonotonicClock.Nanoseconds - last.Nanoseconds is var age && age >= 0 && age < _spacing;

    private void Add(TickSample last, TickSample sample)
    {
        ulong rate = Calibration.Rate;
        bool jumped = sample.Ticks <= last.Ticks || sample.Nanoseconds <= last.Nanoseconds;
        if (!jumped && _samples.Count > 1)
        {
            // The clock is steered by 0.05 percent at most; one percent is something else. After a jump any rate is believed.
            ulong found = TickCalibration.RateBetween(last, sample);
            jumped = found > rate + (rate / 100) || found < rate - (rate / 100);
        }

        if (jumped)
        {
            Jumps++;
            _samples.Clear();
            _samples.Add(sample);
            (_far, _near, _spacing) = (sample, sample, FirstSpacing);
            _lines = [new TickCalibration(sample.Ticks, sample.Nanoseconds, rate)];
            return;
        }

        _samples.Add(sample);
        if (_samples.Count > MostSamples)
            ThinOut();
        SetLines();
    }

    // Old times are asked for seldom: of the older half, every second sample goes.
    private void ThinOut()
    {
        for (int i = (MostSamples / 2) - 1; i > 0; i -= 2)
            _samples.RemoveAt(i);
    }

    private void SetLines()
    {
        var lines = new TickCalibration[_samples.Count];
        for (int i = 0; i + 1 < lines.Length; i++)
        {
            TickSample sample = _samples[i];
            lines[i] = new TickCalibration(sample.Ticks, sample.Nanoseconds, TickCalibration.RateBetween(sample, _samples[i + 1]));
        }

        TickSample newest = _samples[^1];
        if (newest.Nanoseconds - _near.Nanoseconds >= Baseline)
            (_far, _near) = (_near, newest);
        lines[^1] = TickCalibration.Through(_far, newest);
        _lines = lines;
    }

    private static int LineOf(TickCalibration[] lines, ulong ticks)
    {
        int low = 0, high = lines.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (lines[middle].Ticks <= ticks)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }
}
