using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Signals;

/// <summary>Stacks with no room to spare (traps A5, R5).</summary>
public sealed class SmallStackTests
{
    [Fact]
    public void Nothing_is_put_on_a_minimal_alternate_stack()
    {
        using ProbedTarget target = ProbedTarget.StartWarm("go 1", "smallstack");
        string path = Targets.Path("smallstack");
        target.Probe([.. InstructionPoints.Of(path, "work"), .. InstructionPoints.Of(path, "handler"), .. InstructionPoints.Of(path, "deep")]);
        Assert.Equal("0", target.Process.Ask("go 100"));
        target.Detach();
        Assert.Equal("0", target.Process.Ask("go 10"));
    }
}
