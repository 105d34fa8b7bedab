using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Signals;

/// <summary>Nothing that a thread's registers hold is changed by hits (rule 1; traps X20, X21).</summary>
public sealed class RegisterTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Registers_flags_vectors_and_red_zone_survive_hits_at_every_instruction(bool withPost)
    {
        using ProbedTarget target = ProbedTarget.Start("registers");
        Assert.Equal("0", target.Process.Ask("go 100"));
        IReadOnlyList<ProbeRegistration> probes = target.Probe(InstructionPoints.Of(Targets.Path("registers"), "r_body"),
            withPost ? new ProbeHandlers { Pre = _ => { }, Post = _ => { } } : null);
        Assert.True("0" == target.Process.Ask("go 200"), target.Process.Output);
        Assert.All(probes, p => Assert.Equal(200, p.Hits));
        target.Detach();
        Assert.Equal("0", target.Process.Ask("go 100"));
    }
}
