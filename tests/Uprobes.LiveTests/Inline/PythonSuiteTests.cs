using System.Diagnostics;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Torture;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>Test cases of python's own suite end as they do without probes while every function of python and of its C library is counted.</summary>
[TestLimit(300)]
public sealed class PythonSuiteTests(ITestOutputHelper output)
{
    private const string Suite = "/usr/lib/python3.11/test/test_list.py";

    [Fact]
    public Task Tests_of_objects_end_as_without_probes() => Compare("test_list test_dict test_set test_tuple test_range test_float test_struct test_bytes test_array"
        + " test_memoryview test_marshal test_copy test_deque test_enum");

    [Fact]
    public Task Tests_of_the_language_end_as_without_probes() => Compare("test_exceptions test_generators test_coroutines test_asyncgen test_contextlib test_raise test_with"
        + " test_syntax test_traceback test_descr.ClassPropertiesAndMethods test_functools");

    [Fact]
    public Task Tests_of_libraries_end_as_without_probes() => Compare("test_re test_json test_math test_binascii test_zlib test_mmap test_ctypes test_hashlib test_time"
        + " test_itertools test_select test_epoll");

    [Fact]
    public Task Tests_of_threads_and_signals_end_as_without_probes() => Compare("test_thread test_threading.ThreadTests test_queue.CQueueTest test_signal.PosixTests"
        + " test_signal.GenericTests test_signal.WakeupFDTests test_signal.ItimerTest test_signal.PendingSignalsTests");

    [Fact]
    public Task Tests_of_processes_end_as_without_probes() => Compare("test_subprocess.ProcessTestCase test_faulthandler.FaultHandlerTests test_fork1 test_posix");

    private async Task Compare(string modules)
    {
        Require.InstalledFile(Suite);
        using PrivateProgram program = Workloads.PythonSuite(modules);
        long start = Stopwatch.GetTimestamp();
        RunResult bare = program.RunBare();
        output.WriteLine($"bare: {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
        Assert.True(bare.ExitCode == 0, bare.Errors);
        IReadOnlyList<FunctionPlace> places = ProbedRun.PlacesOf(program);
        List<SessionNotice> notices = [];
        (string command, int run) = program.NextRun();
        using UprobeSession session = UprobeSession.Launch("/bin/sh", ["-c", command]);
        session.Notice += notice =>
        {
            lock (notices)
                notices.Add(notice);
        };
        using ProgramRuns counts = new(session, places);
        output.WriteLine($"{places.Count} points");
        start = Stopwatch.GetTimestamp();
        session.Start();
        await session.Completion.WaitAsync(TestContext.Current.CancellationToken);
        output.WriteLine($"probed: {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s, {counts.Total} hits, longest pause {session.LongestPause.TotalMilliseconds:0} ms");
        RunResult probed = program.ResultOf(run, session.LaunchedExitCode ?? -1);
        output.WriteLine(Cases(bare)[^1]);
        foreach (SessionNotice notice in notices.Take(20))
            output.WriteLine($"{notice}");
        string[] expected = Cases(bare), actual = Cases(probed);
        string[] differences = [.. actual.Except(expected).Take(100)];
        Assert.True(differences.Length == 0, string.Join('\n', differences) + probed.Errors);
        Assert.Equal(expected, actual);
        Assert.Equal(bare.ExitCode, probed.ExitCode);
    }

    /// <summary>How each ended; what the tests write themselves tells of times and addresses.</summary>
    private static string[] Cases(RunResult result) => [.. result.Output.Split('\n').Where(line => line.StartsWith("case ", StringComparison.Ordinal))];

    /// <summary>Counts of all functions.</summary>
    private sealed class ProgramRuns : IDisposable
    {
        private readonly IQueryRun _run;

        internal ProgramRuns(UprobeSession session, IReadOnlyList<FunctionPlace> places)
        {
            _run = ((IQueryHost)session).Run(AnyState.SeaPrograms.Count, [.. places.Select(p => ProbePoint.At(p.File, p.Offset, p.Name))], null);
        }

        internal ulong Total => _run.Snapshot(0).Rows.Values.Aggregate(0ul, (sum, row) => sum + row.Count);

        public void Dispose() => _run.Dispose();
    }
}
