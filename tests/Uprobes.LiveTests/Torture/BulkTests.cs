using System.Diagnostics;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Torture;

/// <summary>Thousands of probes at once in a process that runs.</summary>
public sealed class BulkTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Thousands_of_probes_come_into_a_running_process_and_leave_no_trace(bool withReturns)
    {
        using PrivateProgram program = Workloads.Create("python3");
        using TargetProcess target = TargetProcess.Start(
            new StartOptions { Environment = new Dictionary<string, string?> { ["LD_LIBRARY_PATH"] = Path.GetDirectoryName(program.Program), ["PYTHONHOME"] = "/usr" } },
            program.Program, "-S", "-B", "-u", "-c", "import sys\nprint('ready', flush=True)\nfor line in sys.stdin: print(len(line) * 7, flush=True)");
        target.WaitForLine("ready");
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        long hits = 0, returns = 0;
        IReadOnlyList<FunctionPlace> places = ProbedRun.PlacesOf(program);
        ProbeRequest[] requests = [.. places.Select(p => withReturns
            ? new ProbeRequest(ProbePoint.At(p.File, p.Offset, p.Name), Returns: new ReturnHandlers { Entry = _ => ++hits, Return = _ => returns++ })
            : new ProbeRequest(ProbePoint.At(p.File, p.Offset, p.Name), Handlers: new ProbeHandlers { Pre = _ => hits++ }))];
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            for (int round = 0; round < 3; round++)
            {
                long memory = GC.GetTotalMemory(true), start = Stopwatch.GetTimestamp();
                RegistrationResult result = session.RegisterAll(requests);
                TimeSpan registering = Stopwatch.GetElapsedTime(start);
                memory = GC.GetTotalMemory(true) - memory;
                Assert.Equal(["__restore_rt"], result.Refusals.Select(r => r.Point.Split(':')[1]));
                target.Send("abc");
                target.WaitForLine("28");
                start = Stopwatch.GetTimestamp();
                session.UnregisterAll(result.Registrations);
                output.WriteLine($"{requests.Length}: registered in {registering.TotalMilliseconds:0} ms, removed in {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0} ms,"
                    + $" {memory / 1024} KiB, {hits} hits, longest pause {session.LongestPause.TotalMilliseconds:0.0} ms");
                TextComparison.AssertSame(target.Pid);
                target.Send("abcd");
                target.WaitForLine("35");
            }
        }

        Assert.NotEqual(0, hits);
        Assert.Equal(withReturns, returns > 0);
        TextComparison.AssertSame(target.Pid);
        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        target.CloseInput();
        Assert.Equal(0, target.WaitForExit().Code);
    }
}
