using System.Globalization;
using System.Runtime.InteropServices;
using Uprobes.Linux;
using Uprobes.Script.Probes;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <content>The time between the beginning and the end.</content>
internal sealed partial class ScriptRun
{
    /// <summary>Writes, and runs intervals when they are due, until something ends the run.</summary>
    private void Loop()
    {
        List<Interval> intervals = [.. from probe in _script.Probes from place in probe.AttachPoints.OfType<IntervalProbe>() select new Interval(probe, place)];
        // Without anything to wait for the script is done; bpftrace waits for Ctrl-C, and so do we, unless only BEGIN and END are there.
        while (!_isEnding)
        {
            TimeSpan wait = Forever;
            foreach (Interval interval in intervals)
            {
                if (!_isEnding && interval.IsDue)
                    _interpreter.Run(interval.Probe, interval.Occasion);
                wait = interval.Left < wait ? interval.Left : wait;
            }

            if (!_isEnding)
                _queue.RunNext(wait);
            TellDropped();
        }
    }

    private void TellDropped()
    {
        if (_queue.TakeDropped() is > 0 and var dropped)
            _writer.LostEvents((ulong)dropped);
    }

    private void TellFailures()
    {
        if (Interlocked.Read(ref _failedReads) is > 0 and var failed)
            _options.Tell(string.Create(CultureInfo.InvariantCulture, $"{failed} {(failed == 1 ? "read" : "reads")} of memory that was not there: the value was taken for 0 (-k tells each)"));
        foreach (IScriptMap map in _maps.Values.Where(map => map.Overflow > 0))
            _options.Tell(string.Create(CultureInfo.InvariantCulture, $"{map.Symbol} was full: {map.Overflow} new {(map.Overflow == 1 ? "entry" : "entries")} found no room (config = {{ max_map_keys = N }} makes more)"));
    }

    /// <summary>An interval of the script and when it is due. Times that were missed are not made up for.</summary>
    private sealed class Interval(TypedProbe probe, IntervalProbe place)
    {
        private long _next = MonotonicClock.Nanoseconds + Nanoseconds(place);

        internal TypedProbe Probe => probe;

        internal ActionOccasion Occasion { get; } = new() { Probe = place.Text, ProbeType = place.TypeName };

        internal TimeSpan Left => TimeSpan.FromTicks(Math.Max(0, (_next - MonotonicClock.Nanoseconds + 99) / 100));

        internal bool IsDue
        {
            get
            {
                long late = MonotonicClock.Nanoseconds - _next;
                if (late < 0)
                    return false;
                _next += (1 + late / Nanoseconds(place)) * Nanoseconds(place);
                return true;
            }
        }

        private static long Nanoseconds(IntervalProbe place) => place.Period.Ticks * 100;
    }

    /// <summary>Signals that the script waits for: <c>self:signal:SIGUSR1</c>.</summary>
    private sealed class SignalWaits : IDisposable
    {
        private const PosixSignal User1 = (PosixSignal)10; // SIGUSR1, which .NET has no name for
        private readonly List<PosixSignalRegistration> _registrations = [];

        internal SignalWaits(ScriptRun run)
        {
            foreach (TypedProbe probe in run._script.Probes)
            {
                foreach (SignalProbe place in probe.AttachPoints.OfType<SignalProbe>())
                {
                    ActionOccasion occasion = new() { Probe = place.Text, ProbeType = place.TypeName };
                    _registrations.Add(PosixSignalRegistration.Create(User1, context =>
                    {
                        context.Cancel = true;
                        run._queue.Post(() =>
                        {
                            if (!run._isEnding)
                                run._interpreter.Run(probe, occasion);
                        });
                    }));
                }
            }
        }

        public void Dispose()
        {
            foreach (PosixSignalRegistration registration in _registrations)
                registration.Dispose();
        }
    }
}
