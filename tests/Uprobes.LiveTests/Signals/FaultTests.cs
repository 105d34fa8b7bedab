using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Signals;

/// <summary>Probed instructions that fault (traps X11, X12).</summary>
public sealed class FaultTests
{
    private const int Rounds = 50;
    private static readonly string[] Functions = ["fault_load", "fault_store", "fault_div", "fault_ud2", "fault_call", "load_page"];

    [Fact]
    public void A_fault_looks_as_it_does_without_a_probe_and_counts_once()
    {
        using TargetProcess bare = TargetProcess.StartTarget("faults");
        Assert.Equal("0", bare.Ask($"go {Rounds}"));
        using ProbedTarget target = ProbedTarget.Start("faults");
        IReadOnlyList<ProbeRegistration> probes = target.Probe(Functions.Select(f => ProbePoint.At(Targets.Path("faults"), f)));
        Assert.Equal("0", target.Process.Ask($"go {Rounds}"));
        Assert.Equal(Lines(bare), Lines(target.Process));
        Assert.All(probes, p => Assert.Equal(Rounds, p.Hits));
        target.Detach();
        Assert.Equal("0", target.Process.Ask($"go {Rounds}"));
    }

    [Fact]
    public void Post_handlers_run_only_for_instructions_that_completed()
    {
        using ProbedTarget target = ProbedTarget.Start("faults");
        Dictionary<string, int> post = [];
        foreach (string function in Functions)
            target.Probe([ProbePoint.At(Targets.Path("faults"), function)],
                new ProbeHandlers { Post = _ => post[function] = post.GetValueOrDefault(function) + 1 });
        Assert.Equal("0", target.Process.Ask($"go {Rounds}"));
        // The call reaches its target, where the fault is; the others but the repaired load never complete.
        Assert.Equal(Rounds, post["load_page"]);
        Assert.Equal(["fault_call", "load_page"], post.Keys.Order());
        target.Detach();
    }

    [Fact]
    public void A_fault_handler_sees_the_signal_and_can_resume_elsewhere()
    {
        using ProbedTarget target = ProbedTarget.Start("faults");
        List<int> signals = [];
        const int SIGFPE = 8;
        target.Probe([ProbePoint.At(Targets.Path("faults"), "fault_div")], new ProbeHandlers
        {
            Fault = (hit, signal) =>
            {
                signals.Add(signal);
                return FaultAction.Deliver;
            },
        });
        Assert.Equal("0", target.Process.Ask("div 10"));
        Assert.Equal(Enumerable.Repeat(SIGFPE, 10), signals);

        using ProbedTarget repaired = ProbedTarget.Start("faults");
        repaired.Probe([ProbePoint.At(Targets.Path("faults"), "fault_load")], new ProbeHandlers
        {
            // The load of six bytes is skipped: the program does not fault, and says so.
            Fault = (hit, signal) =>
            {
                hit.Registers.Rip += 7;
                return FaultAction.Resume;
            },
        });
        Assert.Equal("10", repaired.Process.Ask("load 10"));
    }

    private static string[] Lines(TargetProcess target) =>
        [.. target.Output.Split('\n').Where(l => l.StartsWith("fault ", StringComparison.Ordinal) || l.StartsWith("wrong ", StringComparison.Ordinal))];
}
