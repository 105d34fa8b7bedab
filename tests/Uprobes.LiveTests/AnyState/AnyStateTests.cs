using System.Collections.Concurrent;
using System.Globalization;
using Uprobes.Arming.Inline.X64;
using Uprobes.Channels;
using Uprobes.Images;
using Uprobes.LiveTests.Inline;
using Uprobes.LiveTests.Kit;
using Uprobes.Programs;
using Uprobes.Registry;

namespace Uprobes.LiveTests.AnyState;

/// <summary>
/// The target cannot tell (rule 1): thousands of random functions leave the same registers, flags, vector and x87 state, red zone, memory and
/// errno with programs at thousands of their instructions, from random states, on ordinary, alternate and the smallest stacks.
/// </summary>
[TestLimit(240)]
public sealed class AnyStateTests(ITestOutputHelper output) : IDisposable
{
    private const int Functions = 2500, InsideSites = 2500, TrappedSites = 200;
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Fact]
    public void Random_functions_leave_the_same_with_programs_at_thousands_of_instructions()
    {
        int seed = ChooseSeed();
        using Sea sea = new(seed, Functions);
        using SeaTarget target = new(sea, seed);
        ulong[] bare = target.Run();
        target.AssertSame(bare, target.Run(), "without probes");
        uint[] counts = target.Count();
        ProcessSnapshot before = ProcessSnapshot.Take(target.Process.Pid);
        Random random = new(seed);
        IReadOnlyList<SeaInstruction> sites = ChooseSites(sea, counts, random);
        EventCounter events = new();
        ConcurrentQueue<SessionNotice> notices = [];
        using (UprobeSession session = UprobeSession.Attach(target.Process.Pid))
        {
            IQueryHost host = session;
            session.Notice += notices.Enqueue;
            List<(IQueryRun Run, IReadOnlyList<SeaInstruction> Sites)> runs = [];
            foreach ((ProgramGroup group, double share) in new[] { (SeaPrograms.Count, 0.5), (SeaPrograms.Histograms, 0.3), (SeaPrograms.Events, 0.2), (SeaPrograms.Keyed, 0.25) })
                runs.Add(Start(group, [.. sites.Where(_ => random.NextDouble() < share)]));
            runs.Add(Start(InlineKit.Calls(), [.. sites.Where(s => s.IsEntry && random.Next(2) == 0)]));
            int probed = runs.SelectMany(r => r.Sites).Distinct().Count();
            output.WriteLine($"{probed} sites, {session.InlineSites} of them patched");
            Assert.InRange(session.InlineSites, 3000, probed);
            target.AssertSame(bare, target.Run(), $"seed {seed}, with {probed} sites");
            target.Tick(500);
            target.AssertSame(bare, target.Run(), $"seed {seed}, with {probed} sites and signals");
            output.WriteLine($"{target.Tick(0)} signals");
            foreach ((IQueryRun run, IReadOnlyList<SeaInstruction> probedHere) in runs)
            {
                output.WriteLine($"{run.Losses}");
                AssertCounts(run, probedHere, counts, 2);
                run.Dispose();
            }

            Assert.Equal(0, session.InlineSites);
            TextComparison.AssertSame(target.Process.Pid);
            target.AssertSame(bare, target.Run(), $"seed {seed}, when the probes were gone");

            (IQueryRun Run, IReadOnlyList<SeaInstruction> Sites) Start(ProgramGroup group, IReadOnlyList<SeaInstruction> where)
            {
                IQueryRun run = host.Run(group, [.. where.Select(s => ProbePoint.At(sea.Library, s.Offset))], group.Events.Count > 0 ? events : null);
                Assert.Empty(run.Refusals);
                return (run, where);
            }
        }

        output.WriteLine($"{events.Taken} events");
        Assert.Empty(notices);
        Assert.NotEqual(0, events.Taken);
        TextComparison.AssertSame(target.Process.Pid);
        Assert.Empty(ProcessSnapshot.Take(target.Process.Pid).DifferencesFrom(before));
        target.AssertSame(bare, target.Run(), $"seed {seed}, when the session had ended");
    }

    private int ChooseSeed()
    {
        int seed = Environment.GetEnvironmentVariable("UPROBES_SEED") is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        output.WriteLine($"seed {seed} (UPROBES_SEED={seed} repeats it)");
        return seed;
    }

    /// <summary>All entries, many instructions that run and can be patched, and some that cannot, ascending.</summary>
    private static IReadOnlyList<SeaInstruction> ChooseSites(Sea sea, uint[] counts, Random random)
    {
        SeaInstruction[] shuffled = [.. sea.Instructions];
        random.Shuffle(shuffled);
        shuffled = [.. shuffled.Where(i => i.IsEntry), .. shuffled.Where(i => !i.IsEntry && counts[i.TextIndex] > 0)];
        using ElfImage image = ElfImage.Open(sea.Library);
        PatchPlanner planner = new(new ImageAnalysis(image));
        List<SeaInstruction> chosen = [];
        int inside = 0, trapped = 0;
        foreach (SeaInstruction instruction in shuffled)
        {
            bool isPatched = planner.Plan(new PatchSite(instruction.Offset, instruction.IsEntry)).Plan is not null;
            if (instruction.IsEntry || (isPatched ? inside++ < InsideSites : trapped++ < TrappedSites))
                chosen.Add(instruction);
        }

        return [.. chosen.OrderBy(i => i.Offset.Value)];
    }

    private static void AssertCounts(IQueryRun run, IReadOnlyList<SeaInstruction> sites, uint[] counts, uint times)
    {
        MapSnapshot hits = run.Snapshot(0);
        string[] wrong = [.. sites.Select((s, i) => (Site: s, Hits: hits.OfProbe(i)?.Count ?? 0, Expected: counts[s.TextIndex] * times))
            .Where(s => s.Hits != s.Expected).Select(s => $"{s.Site}: {s.Hits} hits of {s.Expected}")];
        Assert.True(wrong.Length == 0, $"{wrong.Length} of {sites.Count} wrong:\n{string.Join('\n', wrong.Take(40))}");
    }
}
