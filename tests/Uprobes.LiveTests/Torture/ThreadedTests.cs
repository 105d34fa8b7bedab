using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Torture;

/// <summary>Programs with several threads whose functions are probed, while probes come and go.</summary>
[TestLimit(240)]
public sealed class ThreadedTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("xz")]
    [InlineData("python3")]
    public void A_program_with_threads_works_while_probes_come_and_go(string name)
    {
        using PrivateProgram program = Workloads.CreateThreaded(name);
        RunResult bare = program.RunBare();
        IReadOnlyList<FunctionPlace> places = [.. ProbedRun.PlacesOf(program).Where(p => p.File == program.Libraries[0] || name != "python3")];
        List<SessionNotice> notices = [];
        (string command, int run) = program.NextRun();
        using UprobeSession session = UprobeSession.Launch("/bin/sh", ["-c", command]);
        session.Notice += notice =>
        {
            lock (notices)
                notices.Add(notice);
        };
        long hits = 0;
        int rounds = 0;
        HashSet<int> threads = [];
        ProbeHandlers handlers = new()
        {
            Pre = hit =>
            {
                hits++;
                threads.Add(hit.ThreadId);
            },
        };
        ReturnHandlers returns = new() { Return = _ => hits++ };
        // Some stay, the others come and go: every third with its return.
        ProbeRequest[] requests = [.. places.Select((p, i) => i % 3 == 0
            ? new ProbeRequest(ProbePoint.At(p.File, p.Offset, p.Name), Returns: returns)
            : new ProbeRequest(ProbePoint.At(p.File, p.Offset, p.Name), Handlers: handlers))];
        session.RegisterAll([.. requests.Where((_, i) => i % 2 == 0)]);
        ProbeRequest[] passing = [.. requests.Where((_, i) => i % 2 != 0)];
        session.Start();
        Random random = new(20061);
        for (; !session.Completion.IsCompleted; rounds++)
        {
            int first = random.Next(passing.Length);
            IReadOnlyList<ProbeRegistration> made = session.RegisterAll(passing[first..Math.Min(passing.Length, first + random.Next(1000))]).Registrations;
            session.UnregisterAll(made);
        }

        output.WriteLine($"{hits} hits in {threads.Count} threads, {rounds} rounds of registration and removal");
        Assert.Equal(bare, program.ResultOf(run, session.LaunchedExitCode ?? -1));
        Assert.DoesNotContain(notices, notice => notice.Kind != NoticeKind.ReturnLost);
        Assert.InRange(threads.Count, 3, int.MaxValue);
        Assert.NotEqual(0, rounds);
    }
}
