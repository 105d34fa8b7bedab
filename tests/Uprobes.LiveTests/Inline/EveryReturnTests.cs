using System.Diagnostics;
using Uprobes.Channels;
using Uprobes.LiveTests.Torture;

namespace Uprobes.LiveTests.Inline;

/// <summary>Every call of every function of a program and of its C library is followed to its return.</summary>
[Kit.TestLimit(240)]
public sealed class EveryReturnTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("bash")]
    [InlineData("sqlite3")]
    public async Task A_program_all_of_whose_calls_are_followed_does_what_it_does_without(string name)
    {
        using PrivateProgram program = Workloads.Create(name);
        RunResult bare = program.RunBare();
        IReadOnlyList<FunctionPlace> places = ProbedRun.PlacesOf(program);
        List<SessionNotice> notices = [];
        (string command, int run) = program.NextRun();
        using UprobeSession session = UprobeSession.Launch("/bin/sh", ["-c", command]);
        session.Notice += notice =>
        {
            lock (notices)
                notices.Add(notice);
        };
        long start = Stopwatch.GetTimestamp();
        using IQueryRun query = ((IQueryHost)session).Run(InlineKit.Calls(), [.. places.Select(p => ProbePoint.At(p.File, p.Offset, p.Name))], null);
        output.WriteLine($"{places.Count} registered in {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0} ms, {query.Refusals.Count} refused");
        start = Stopwatch.GetTimestamp();
        session.Start();
        await session.Completion.WaitAsync(TestContext.Current.CancellationToken);
        output.WriteLine($"ran {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s, {query.Losses}");
        Assert.Equal(bare, program.ResultOf(run, session.LaunchedExitCode ?? -1));
        MapSnapshot entries = query.Snapshot(0), returns = query.Snapshot(1);
        (string Name, ulong Entries, ulong Returns)[] counts =
            [.. places.Select((p, i) => (p.ToString(), entries.OfProbe(i)?.Count ?? 0, returns.OfProbe(i)?.Count ?? 0))];
        output.WriteLine($"{counts.Sum(c => (long)c.Entries)} entries, {counts.Sum(c => (long)c.Returns)} returns");
        string[] differences = [.. counts.Where(c => c.Entries != c.Returns).Select(c => $"{c.Name}: {c.Entries} entries, {c.Returns} returns")];
        foreach (string difference in differences.Take(60))
            output.WriteLine(difference);
        // Functions that never return, or twice, and places that are not a function's beginning: a handful.
        Assert.InRange(differences.Length, 0, 60);
        Assert.All(notices, notice => Assert.Equal(NoticeKind.ReturnLost, notice.Kind));
    }
}
