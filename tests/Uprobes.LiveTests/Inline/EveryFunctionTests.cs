using System.Diagnostics;
using Uprobes.Arming.Inline;
using Uprobes.LiveTests.Torture;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>A jump at every function of a program and of its C library: what cannot be patched gets a breakpoint.</summary>
[Kit.TestLimit(240)]
public sealed class EveryFunctionTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("bash")]
    [InlineData("python3")]
    [InlineData("sqlite3")]
    public async Task A_program_with_every_function_counted_does_what_it_does_without_and_every_call_is_counted(string name)
    {
        using PrivateProgram program = Workloads.Create(name);
        RunResult bare = program.RunBare();
        IReadOnlyList<FunctionPlace> places = ProbedRun.PlacesOf(program);
        long[] trapped = new long[places.Count];
        List<SessionNotice> notices = [];
        (string command, int run) = program.NextRun();
        using ProgramRun counts = InlineKit.CountRun(places.Count);
        using UprobeSession session = UprobeSession.Launch("/bin/sh", ["-c", command]);
        session.Notice += notice =>
        {
            lock (notices)
                notices.Add(notice);
        };
        long start = Stopwatch.GetTimestamp();
        RegistrationResult registered = session.RegisterAll(
            [.. places.Select((place, i) => InlineKit.Count(counts, i, ProbePoint.At(place.File, place.Offset, place.Name), _ => trapped[i]++))]);
        output.WriteLine($"{places.Count} registered in {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0} ms, {registered.Refusals.Count} refused");
        start = Stopwatch.GetTimestamp();
        session.Start();
        await session.Completion.WaitAsync(TestContext.Current.CancellationToken);
        output.WriteLine($"ran {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s, longest pause {session.LongestPause.TotalMilliseconds:0.0} ms");
        Assert.Equal(bare, program.ResultOf(run, session.LaunchedExitCode ?? -1));
        Assert.Empty(notices);
        ulong[] inline = InlineKit.Totals(counts);
        output.WriteLine($"{inline.Aggregate(0ul, (a, b) => a + b)} hits inline of {inline.Count(c => c > 0)} functions, {trapped.Sum()} trapped of {trapped.Count(c => c > 0)}");

        (RunResult reference, IReadOnlyList<long> kernel) = program.RunUnderKernel(KernelPoints.Of(places));
        Assert.Equal(bare, reference);
        HashSet<ProbePoint> refused = [.. registered.Registrations.Select(r => r.Point)];
        string[] differences = [.. places.Select((place, i) => (place, Counted: (long)inline[i] + trapped[i], Kernel: kernel[i]))
            .Where(p => p.Counted != p.Kernel && p.place.Name != "__restore_rt" && !(p.Kernel == 0 && KernelPoints.IsRefused(p.place)))
            .Select(p => $"{p.place}: {p.Counted} counted, the kernel says {p.Kernel}")];
        Assert.True(differences.Length == 0, string.Join('\n', differences));
    }
}
