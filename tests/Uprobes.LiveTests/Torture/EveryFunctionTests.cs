using System.Diagnostics;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Torture;

/// <summary>A breakpoint at every function of a program and of its C library, from its first instruction to its last.</summary>
[Kit.TestLimit(240)]
public sealed class EveryFunctionTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("bash")]
    [InlineData("python3")]
    [InlineData("sqlite3")]
    public void A_program_with_every_function_probed_does_what_it_does_without_and_every_call_is_counted(string name)
    {
        using PrivateProgram program = Workloads.Create(name);
        RunResult bare = program.RunBare();
        IReadOnlyList<FunctionPlace> places = ProbedRun.PlacesOf(program);
        ProbedRun probed = ProbedRun.Of(program, places, withReturns: false, output);
        Assert.Equal(bare, probed.Result);
        Assert.Empty(probed.Notices);
        AssertOnlySignalReturnIsRefused(probed);
        Assert.All(probed.Functions, f => Assert.Equal(f.Entries, f.Hits ?? 0));

        long start = Stopwatch.GetTimestamp();
        (RunResult reference, IReadOnlyList<long> counts) = program.RunUnderKernel(KernelPoints.Of(places));
        output.WriteLine($"reference: {counts.Sum()} in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
        Assert.Equal(bare, reference);
        string[] differences = [.. probed.Functions.Zip(counts)
            .Where(p => p.First.Entries != p.Second && p.First.Hits is not null && !(p.Second == 0 && KernelPoints.IsRefused(p.First.Place)))
            .Select(p => $"{p.First.Place}: {p.First.Entries} counted, the kernel says {p.Second}")];
        Assert.True(differences.Length == 0, string.Join('\n', differences));
    }

    [Fact]
    public void A_shell_with_every_function_probed_forks_and_pipes_as_without()
    {
        using PrivateProgram program = Workloads.BashWithChildren();
        RunResult bare = program.RunBare();
        ProbedRun probed = ProbedRun.Of(program, ProbedRun.PlacesOf(program), withReturns: false, output);
        Assert.Equal(bare, probed.Result);
        Assert.Empty(probed.Notices);
        Assert.All(probed.Functions, f => Assert.Equal(f.Entries, f.Hits ?? 0));
    }

    /// <summary>Unwinders recognise this sequence by its bytes: nothing else has a reason to be refused.</summary>
    private static void AssertOnlySignalReturnIsRefused(ProbedRun probed)
    {
        Assert.All(probed.Refusals, refusal => Assert.Equal(ProbeRefusalReason.UnsafeLocation, refusal.Reason));
        Assert.Equal(["__restore_rt"], probed.Functions.Where(f => f.Hits is null).Select(f => f.Place.Name));
    }
}
