using System.Globalization;
using Uprobes.Arming.Inline;
using Uprobes.Channels;
using Uprobes.LiveTests.Kit;
using Uprobes.Programs;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>Hits of one probe in each process, and what the target says of them.</summary>
internal sealed class LifeRun : IDisposable
{
    private readonly Dictionary<ProcessChannel, RingReader> _readers = [];
    private readonly Dictionary<int, ulong> _events = [];
    private readonly bool _isFollowed;
    private readonly Lazy<TickClock> _clock = new(TickClock.Create);

    /// <param name="kind">What is done on a hit; null: calls are followed, and entries and returns counted.</param>
    /// <param name="threadSlots">For how many threads there is room.</param>
    internal LifeRun(ProgramKind? kind, int threadSlots = 1024)
    {
        _isFollowed = kind is null;
        Run = new ProgramRun((kind is { } known ? KindRun.GroupOf(known) : InlineKit.Calls()) with { ThreadSlots = threadSlots }, 1);
    }

    internal ProgramRun Run { get; }

    public void Dispose()
    {
        Run.Dispose();
        if (_clock.IsValueCreated)
            _clock.Value.Dispose();
    }

    /// <summary>The program as queries have it: run in the target, or in the tracer where it cannot be run there.</summary>
    internal ProbeRequest At(string image, string function) => At(ProbePoint.At(Targets.Path(image), function));

    /// <summary>The same at any point.</summary>
    internal ProbeRequest At(ProbePoint point)
    {
        ProgramBinding binding = new(Run, 0, new ProgramSwitch());
        InterpretedProgram interpreted = new(binding, _clock);
        return new(point)
        {
            Program = _isFollowed
                ? new ConsumerCallbacks { Program = binding, Entry = interpreted.Enter, Return = interpreted.Return }
                : new ConsumerCallbacks { Program = binding, Pre = hit => interpreted.Enter(hit) },
        };
    }

    /// <summary>Sends a command; returns the calls of each process as the target counts them.</summary>
    internal static Dictionary<int, ulong> Ask(TargetProcess target, string command)
    {
        Dictionary<int, ulong> calls = [];
        target.Send(command);
        while (target.WaitForLine(l => l.StartsWith("calls ", StringComparison.Ordinal) || l.StartsWith("result ", StringComparison.Ordinal), TimeSpan.FromSeconds(60)) is var line
            && line.StartsWith('c'))
        {
            string[] words = line.Split(' ');
            calls.Add(int.Parse(words[1], CultureInfo.InvariantCulture), ulong.Parse(words[2], CultureInfo.InvariantCulture));
        }

        return calls;
    }

    /// <summary>Hits of each process so far, with those that are counted as lost.</summary>
    internal Dictionary<int, ulong> Hits(int map = 0)
    {
        Dictionary<int, ulong> hits = [];
        foreach (ProcessChannel channel in Run.Channels)
            hits[channel.ProcessId] = hits.GetValueOrDefault(channel.ProcessId) + Of(channel, map);
        foreach ((int process, ulong events) in _events)
            hits[process] += events;
        return hits.Where(h => h.Value > 0).ToDictionary();
    }

    internal ulong Total() => Hits().Values.Aggregate(0ul, (a, b) => a + b);

    /// <summary>Fails where hits differ from what the target has counted since the last look.</summary>
    /// <param name="before">Hits at that look.</param>
    /// <param name="calls">What the target says.</param>
    /// <param name="underWay">Calls that were under way when their probe was armed by other means: nobody awaits their return.</param>
    internal void AssertCounted(Dictionary<int, ulong> before, Dictionary<int, ulong> calls, ulong underWay = 0)
    {
        Assert.Equal(Sorted(calls), Sorted(Since(before, Hits())));
        if (_isFollowed && underWay > 0)
            Assert.All(Hits(map: 1), returns => Assert.InRange(returns.Value, Hits()[returns.Key] - underWay, Hits()[returns.Key]));
        else if (_isFollowed)
            Assert.Equal(Sorted(Hits()), Sorted(Hits(map: 1)));
    }

    private static Dictionary<int, ulong> Since(Dictionary<int, ulong> before, Dictionary<int, ulong> now) =>
        now.ToDictionary(h => h.Key, h => h.Value - before.GetValueOrDefault(h.Key)).Where(h => h.Value > 0).ToDictionary();

    private static string Sorted(Dictionary<int, ulong> calls) => string.Join(", ", calls.OrderBy(c => c.Key).Select(c => $"{c.Key}: {c.Value}"));

    private ulong Of(ProcessChannel channel, int map)
    {
        ChannelLosses losses = ChannelLosses.Read(channel.Memory);
        if (losses.Threads + losses.Other + losses.Keys > 0)
            throw new InvalidOperationException($"process {channel.ProcessId}: {losses}");
        if (Run.Group.Events.Count == 0)
            return MapReader.Read([channel.Memory], map).Rows.Aggregate(0ul, (sum, row) => sum + row.Value.Count);
        if (!_readers.TryGetValue(channel, out RingReader? reader))
            _readers.Add(channel, reader = new RingReader(channel.Memory, Run.Group.Events));
        ulong events = 0;
        foreach (EventRecord record in reader.Drain())
            events++;
        _events[channel.ProcessId] = _events.GetValueOrDefault(channel.ProcessId) + events;
        return losses.Events;
    }
}
