using Uprobes.LiveTests.Kit;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Signals;

/// <summary>Programs with hardly any room left (traps R4, R5, R8, R10, R11, S11).</summary>
public sealed class LimitTests
{
    [Theory]
    [InlineData("files")]
    [InlineData("size")]
    [InlineData("mdwe")]
    [InlineData("tsc")]
    public void Limits_that_probes_do_not_touch_do_not_matter(string mode)
    {
        using TargetProcess bare = TargetProcess.StartTarget("limits", mode);
        bare.Send("go 500");
        string first = bare.WaitForLine(line => line.StartsWith("result ", StringComparison.Ordinal) || line.StartsWith("missing ", StringComparison.Ordinal));
        Assert.SkipWhen(first.StartsWith("missing", StringComparison.Ordinal), first);
        using ProbedTarget target = ProbedTarget.StartWarm("go 1", "limits", mode);
        ProbeRegistration probe = target.Probe([ProbePoint.At(Targets.Path("limits"), "work")])[0];
        Assert.Equal(first, "result " + target.Process.Ask("go 500"));
        Assert.Equal(500, probe.Hits);
        target.Detach();
    }

    [Fact]
    public void No_address_space_left_is_a_refusal_and_harms_nothing()
    {
        using ProbedTarget target = ProbedTarget.StartWarm("go 1", "limits", "as");
        ProbeRefusedException refused = Assert.Throws<ProbeRefusedException>(
            () => target.Session.Register(ProbePoint.At(Targets.Path("limits"), "work"), new ProbeHandlers { Pre = _ => { } }));
        Assert.Equal(ProbeRefusalReason.NoMemoryNearImage, refused.Refusal.Reason);
        Assert.Contains(target.Notices, n => n.Message.Contains("are not watched", StringComparison.Ordinal));
        target.Detach("are not watched");
        Assert.Equal("1", target.Process.Ask("go 0"));
    }

    [Fact]
    public void Full_text_and_a_stack_pointer_that_points_nowhere_do_no_harm()
    {
        using ProbedTarget target = ProbedTarget.Start("bare");
        IReadOnlyList<ProbeRegistration> probes = target.Probe(InstructionPoints.Of(Targets.Path("bare"), "bare_step"));
        Assert.Equal("1000", target.Process.Ask("go"));
        Assert.All(probes, p => Assert.Equal(1000, p.Hits));
        // While it counts, with a stack pointer of no use, sessions come and go.
        for (int round = 0; round < 5; round++)
        {
            target.Process.Send("go");
            target.Session.UnregisterAll(probes);
            probes = target.Probe(InstructionPoints.Of(Targets.Path("bare"), "bare_step"));
            Assert.Equal("result 1000", target.Process.WaitForLine("result "));
        }

        target.Detach();
        Assert.Equal("1000", target.Process.Ask("go"));
        Assert.Equal(new ExitStatus(0, null), target.Process.Quit());
    }
}
