using Uprobes.LiveTests.Kit;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Signals;

/// <summary>Probes on instructions that are hard to displace (traps X1 to X22).</summary>
public sealed class InstructionTests
{
    private const int Rounds = 20;

    [Theory]
    [InlineData("insns", false)]
    [InlineData("insns", true)]
    [InlineData("insns-nopie", false)]
    [InlineData("insns-nopie", true)]
    public void Functions_give_right_results_and_counts_with_a_probe_on_every_entry(string name, bool withPost)
    {
        using ProbedTarget target = ProbedTarget.Start(name);
        string path = Targets.Path(name);
        Dictionary<string, ProbeRegistration> probes = [];
        Dictionary<string, long> post = [];
        foreach (string function in InstructionPoints.FunctionsStartingWith(path, "i_"))
        {
            ProbeHandlers handlers = withPost
                ? new ProbeHandlers { Pre = _ => { }, Post = _ => post[function] = post.GetValueOrDefault(function) + 1 }
                : new ProbeHandlers { Pre = _ => { } };
            probes.Add(function, target.Probe([ProbePoint.At(path, function)], handlers)[0]);
        }

        Assert.True("0" == target.Process.Ask($"go {Rounds}"), target.Process.Output);
        target.Process.Ask("counts");
        foreach ((string function, long calls) in Counts(target.Process))
        {
            Assert.True(calls == probes[function].Hits, $"{function}: {probes[function].Hits} hits of {calls} calls");
            if (withPost)
                Assert.True(calls == post.GetValueOrDefault(function), $"{function}: {post.GetValueOrDefault(function)} post hits of {calls} calls");
        }

        target.Detach();
        Assert.Equal("0", target.Process.Ask("go 1"));
    }

    [Theory]
    [InlineData("insns", false)]
    [InlineData("insns", true)]
    [InlineData("insns-nopie", false)]
    [InlineData("insns-nopie", true)]
    public void Functions_give_right_results_with_a_probe_on_every_instruction(string name, bool withPost)
    {
        using ProbedTarget target = ProbedTarget.Start(name);
        string path = Targets.Path(name);
        ProbeHandlers handlers = withPost ? new ProbeHandlers { Pre = _ => { }, Post = _ => { } } : new ProbeHandlers { Pre = _ => { } };
        List<ProbeRequest> requests = [];
        foreach (string function in InstructionPoints.FunctionsStartingWith(path, "i_").Concat(InstructionPoints.FunctionsStartingWith(path, "via_")))
            requests.AddRange(InstructionPoints.Of(path, function).Select(p => new ProbeRequest(p, handlers)));
        RegistrationResult result = target.Session.RegisterAll(requests);
        Assert.True(result.Registrations.Count > 250);
        Assert.All(result.Refusals, r => Assert.Equal(ProbeRefusalReason.UnsupportedInstruction, r.Reason));
        Assert.True("0" == target.Process.Ask("go 5", TimeSpan.FromSeconds(60)), target.Process.Output);
        target.Detach();
        Assert.Equal("0", target.Process.Ask("go 1"));
    }

    private static IEnumerable<(string Function, long Calls)> Counts(TargetProcess target) =>
        target.Output.Split('\n').Where(l => l.StartsWith("count ", StringComparison.Ordinal)).Select(l => l.Split(' '))
            .Select(words => (words[1], long.Parse(words[2], System.Globalization.CultureInfo.InvariantCulture)));
}
