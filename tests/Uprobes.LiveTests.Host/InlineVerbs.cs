using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.LiveTests.Host;

/// <summary>The verb that has programs run inside targets.</summary>
internal sealed class InlineVerbs
{
    private readonly Dictionary<string, int> _steps = [];
    private readonly string _fatalStep;
    private readonly int _fatalTime, _rounds;
    private readonly string[] _points;
    private int _allSteps, _ready;

    private readonly TracerPresence _presence;

    private InlineVerbs(string step, int rounds, string[] points, TracerPresence presence)
    {
        _presence = presence;
        int separator = step.LastIndexOf(':');
        (_fatalStep, _fatalTime, _rounds, _points) = (step[..separator], int.Parse(step[(separator + 1)..]), rounds, points);
    }

    /// <summary>
    /// Arms, switches and disarms over and over, in each process on a thread of its own; says "cycle 0" when all have done it once. Kills itself
    /// at the given time of a named step in all of them together, or of any step ("*"). With a number of rounds it ends then, and says
    /// "steps NAME=COUNT,...".
    /// </summary>
    internal static int Run(string pids, string step, int rounds, string[] points, TracerPresence presence)
    {
        InlineVerbs verbs = new(step, rounds, points, presence);
        int[] targets = [.. pids.Split(',').Select(int.Parse)];
        Thread[] tracers = [.. targets.Select(pid => new Thread(() => verbs.Cycle(pid, targets.Length)))];
        foreach (Thread tracer in tracers)
            tracer.Start();
        foreach (Thread tracer in tracers)
            tracer.Join();
        Say($"steps {string.Join(',', verbs._steps.Select(s => $"{s.Key}={s.Value}"))}");
        return 0;
    }

    private void Cycle(int pid, int targets)
    {
        SessionOptions options = new() { Step = Note, Presence = _presence, LookInterval = TimeSpan.FromMilliseconds(2) };
        for (int round = 0; _rounds == 0 || round < _rounds; round++)
        {
            using (UprobeSession session = UprobeSession.Attach(pid, options))
            {
                ProbePoint[] points = [.. _points.SelectMany(p => Find(session, p))];
                for (int time = 0; time < 3; time++)
                    Probe(session, points, time);
            }

            if (round == 0 && Interlocked.Increment(ref _ready) == targets)
                Say("cycle 0");
        }
    }

    /// <summary>Events and calls join the counts at some sites, whose trampolines are made anew, and leave them in another order.</summary>
    private void Probe(UprobeSession session, ProbePoint[] points, int time)
    {
        ProbePoint[] some = [.. points.Where((_, i) => i % 2 == time % 2)];
        LiveAggregate<long> counts = session.Entry(points).Count();
        LiveEvents<ulong> events = session.Entry(some).Select(p => p.Arg(0)).Start();
        LiveAggregate<long>? calls = _presence == TracerPresence.Attached ? session.Calls(points).Count() : null;
        events.IsEnabled = false;
        counts.IsEnabled = false;
        events.IsEnabled = true;
        counts.Dispose();
        events.Dispose();
        calls?.Dispose();
    }

    private static IEnumerable<ProbePoint> Find(UprobeSession session, string point)
    {
        int colon = point.LastIndexOf(':');
        string image = point[..colon];
        return session.OpenImage(image).Functions.Matching(point[(colon + 1)..]).Where(f => !f.IsIndirect).DistinctBy(f => f.Offset)
            .Select(f => ProbePoint.At(image, f.Offset, f.Name));
    }

    private void Note(string step)
    {
        lock (_steps)
        {
            int count = _steps[step] = _steps.GetValueOrDefault(step) + 1;
            _allSteps++;
            if (_fatalTime > 0 && (_fatalStep == "*" ? _allSteps == _fatalTime : _fatalStep == step && count == _fatalTime))
                _ = Tasks.Kill(Environment.ProcessId, Signal.SIGKILL);
        }
    }

    private static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }
}
