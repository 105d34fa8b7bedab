using Uprobes.Channels;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.WriteGuards;
using Uprobes.Programs;

namespace Uprobes.LiveTests.Inline;

/// <summary>
/// Programs come and go by the thousand at neighbouring and overlapping places while 8 threads hit them, and with signals. UPROBES_STORM says
/// how many rounds there are.
/// </summary>
[TestLimit(3000)]
public sealed class StormTests(ITestOutputHelper output) : IDisposable
{
    private const int WarmUp = 100;
    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("UPROBES_STORM") ?? "300", provider: null);
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Theory]
    [InlineData(0)]
    [InlineData(3000)]
    public void Every_hit_between_arming_and_removal_is_counted_and_nothing_piles_up(int tick)
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        using Hitters target = new(threads: 8, tick);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid);
        Belongings before = default;
        long hits = 0;
        for (int round = 0; round < Rounds; round++)
        {
            hits += Round(session, target, random, $"seed {seed}, round {round}");
            if (round == WarmUp)
                before = Belongings.Of(target.Process.Pid);
        }

        Belongings after = Belongings.Of(target.Process.Pid);
        output.WriteLine($"{Rounds} rounds, {hits} hits; {before}, then {after}; longest pause {session.LongestPause.TotalMilliseconds:0.0} ms");
        Assert.Equal(before.Mappings, after.Mappings);
        Assert.Equal(before.Descriptors, after.Descriptors);
        Assert.InRange(after.DataKilobytes, 0, before.DataKilobytes + 64);
        Assert.InRange(after.OwnDescriptors, 0, before.OwnDescriptors + 3);
        Assert.InRange(after.OwnMappings, 0, before.OwnMappings + 32);
        Assert.InRange(after.OwnBytes, 0, before.OwnBytes + (1 << 20));
        session.Dispose();
        TextComparison.AssertSame(target.Process.Pid);
        target.AssertRight($"seed {seed}");
    }

    [Fact]
    public void A_probe_that_stands_counts_on_while_others_come_and_go_around_it()
    {
        using Hitters target = new(threads: 8);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid);
        (string Function, ulong Offset, int PerRound)[] places = [.. Hitters.Points.Where(p => p.Offset == 0)];
        using IQueryRun standing = Start(session, CountGroup, places, null);
        Random random = new(1);
        long rounds = 0;
        for (int round = 0; round < 60; round++)
        {
            using IQueryRun other = Start(session, CountGroup, Choose(random), null);
            rounds += target.Window(10);
        }

        MapSnapshot counts = standing.Snapshot(0);
        for (int i = 0; i < places.Length; i++)
            Assert.Equal((ulong)(rounds * places[i].PerRound), counts.OfProbe(i)?.Count);
        target.AssertRight();
    }

    private static long Round(UprobeSession session, Hitters target, Random random, string when)
    {
        (string Function, ulong Offset, int PerRound)[] counted = Choose(random), sent = Choose(random);
        (string Function, ulong Offset, int PerRound)[] followed = [.. Choose(random).Where(p => p.Offset == 0)];
        Received events = new();
        List<IQueryRun> runs = [];
        try
        {
            runs.Add(Start(session, CountGroup, counted, null));
            runs.Add(Start(session, EventGroup, sent, events));
            runs.Add(Start(session, CallGroup, followed, null));
            long rounds = target.Window(8);
            MapSnapshot counts = runs[0].Snapshot(0);
            for (int i = 0; i < counted.Length; i++)
                Assert.True((ulong)(rounds * counted[i].PerRound) == (counts.OfProbe(i)?.Count ?? 0), $"{when}: {counted[i]} {counts.OfProbe(i)?.Count} of {rounds}");
            for (int i = 0; i < followed.Length; i++)
            {
                (ulong entries, ulong returns) = (runs[2].Snapshot(0).OfProbe(i)?.Count ?? 0, runs[2].Snapshot(1).OfProbe(i)?.Count ?? 0);
                Assert.True((ulong)(rounds * followed[i].PerRound) == entries && entries == returns, $"{when}: {followed[i]} {entries}, {returns} of {rounds}");
            }

            long wanted = rounds * sent.Sum(s => s.PerRound);
            Eventually.Holds(() => events.Count + runs[1].Losses.Events >= wanted, $"{when}: {wanted} events");
            Assert.Equal(wanted, events.Count + runs[1].Losses.Events);
            return rounds * (counted.Sum(c => c.PerRound) + sent.Sum(s => s.PerRound) + followed.Sum(f => f.PerRound));
        }
        finally
        {
            foreach (IQueryRun run in runs.OrderBy(_ => random.Next()))
                run.Dispose();
        }
    }

    private static IQueryRun Start(UprobeSession session, ProgramGroup group, (string Function, ulong Offset, int PerRound)[] places, IQueryEvents? events)
    {
        IQueryRun run = ((IQueryHost)session).Run(group, [.. places.Select(p => Hitters.At(p.Function, p.Offset))], events);
        Assert.Empty(run.Refusals);
        return run;
    }

    private static (string Function, ulong Offset, int PerRound)[] Choose(Random random) =>
        [.. Hitters.Points.Where(_ => random.Next(5) == 0).DefaultIfEmpty(Hitters.Points[0]).OrderBy(_ => random.Next())];

    /// <summary>Hits in a window only: their first argument is not 0.</summary>
    private static ProbeProgram InWindow(params Statement[] then) => new([new If(new RegisterValue(7), then, [])], []);

    private static ProgramGroup CountGroup => new()
    {
        Entry = InWindow(new Aggregate(0, [], null)),
        Maps = [new MapDefinition("@", AggregateKind.Count, DataType.U64, [], 1)],
        ThreadSlots = 64,
    };

    private static ProgramGroup EventGroup => new()
    {
        Entry = InWindow(new Emit(0, [new RegisterValue(7)])),
        Events = [new EventDefinition("e", [DataType.U64])],
        ThreadSlots = 64,
    };

    private static ProgramGroup CallGroup => new()
    {
        Entry = InWindow(new Aggregate(0, [], null), new FollowCall([new Argument(0)])),
        Return = new ProbeProgram([new If(new EntryWord(0), [new Aggregate(1, [], null)], [])], []),
        Maps = [new MapDefinition("entries", AggregateKind.Count, DataType.U64, [], 1), new MapDefinition("returns", AggregateKind.Count, DataType.U64, [], 1)],
        ThreadSlots = 64,
    };

    private sealed class Received : IQueryEvents
    {
        private long _count;

        internal long Count => Volatile.Read(ref _count);

        public void Accept(EventRecord record, long timestamp, int processId) => Volatile.Write(ref _count, _count + 1);

        public void Complete(Exception? error) => Assert.Null(error);
    }

    private readonly record struct Belongings(int Mappings, int Descriptors, long DataKilobytes, int OwnDescriptors, int OwnMappings, long OwnBytes)
    {
        internal static Belongings Of(int pid) => new(
            File.ReadAllLines($"/proc/{pid}/maps").Length, Directory.GetFileSystemEntries($"/proc/{pid}/fd").Length,
            long.Parse(ProcessSnapshot.Status(pid)["VmData"].Split(' ')[0], provider: null), Directory.GetFileSystemEntries("/proc/self/fd").Length,
            File.ReadAllLines("/proc/self/maps").Length, GC.GetTotalMemory(forceFullCollection: true));
    }
}
