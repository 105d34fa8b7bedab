using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Life;

namespace Uprobes.LiveTests.KilledTracer;

/// <summary>What becomes of a session whose guardian is killed, that has none, or that goes down with its whole process group.</summary>
public sealed class GuardianLossTests
{
    private const int SIGKILL = 9;

    [Fact]
    public void Another_guardian_takes_the_place_of_a_killed_one_and_knows_every_breakpoint()
    {
        using ProbedTarget target = new("selfcheck", "until");
        using HostProcess host = target.Trace("guard", "p", target.Point("step"), "libc:mem*");
        Assert.True(host.ReadNumber("armed") > 1);
        int former = 0;
        for (int time = 0; time < 3; time++)
        {
            host.Process.StandardInput.WriteLine("which");
            int guardian = host.ReadNumber("guardian");
            Assert.NotEqual(former, guardian);
            // A new one takes its name in its first instructions, and is known by it.
            SpinWait.SpinUntil(() => ProbedTarget.GuardiansOf(target.Process.Pid).Length > 0, TimeSpan.FromSeconds(30));
            Assert.Equal([guardian], ProbedTarget.GuardiansOf(target.Process.Pid));
            Assert.Equal(0, LifeNative.kill(guardian, SIGKILL));
            Assert.StartsWith($"the guardian process {guardian} was killed; process ", host.ReadLine("notice"), StringComparison.Ordinal);
            former = guardian;
        }

        host.Kill();
        target.AssertLeftAlone("after its third guardian");
        target.AssertRight();
    }

    [Fact]
    public void A_guardian_survives_the_end_of_the_tracers_process_group()
    {
        using ProbedTarget target = new("selfcheck", "until");
        string host = Path.Combine(AppContext.BaseDirectory, "Uprobes.LiveTests.Host.dll");
        using TargetProcess tracer = TargetProcess.Start("dotnet", "exec", host, "arm", $"{target.Process.Pid}", "p", target.Point("step"), "libc:s*");
        tracer.WaitForLine("armed ");
        Assert.Equal(0, LifeNative.kill(-tracer.Pid, SIGKILL));
        Assert.Equal(SIGKILL, tracer.WaitForExit().Signal);
        target.AssertLeftAlone("with its group");
        target.AssertRight();
    }

    [Fact]
    public void Without_a_guardian_the_breakpoints_stay_and_the_target_steps_over_them_by_itself()
    {
        using ProbedTarget target = new("selfcheck", "until");
        using HostProcess host = target.Trace("arm", "pn", target.Point("step"));
        host.ReadNumber("armed");
        Assert.Empty(ProbedTarget.GuardiansOf(target.Process.Pid));
        host.Kill();
        host.Process.WaitForExit();
        Assert.NotEmpty(TextComparison.Compare(target.Process.Pid));
        target.AssertRight();
    }

    [Fact]
    public void Each_session_has_a_guardian_of_its_own_and_takes_it_along()
    {
        using ProbedTarget first = new("selfcheck", "until"), second = new("selfcheck", "until");
        using UprobeSession one = UprobeSession.Attach(first.Process.Pid), other = UprobeSession.Attach(second.Process.Pid);
        Assert.NotNull(one.GuardianProcessId);
        Assert.NotNull(other.GuardianProcessId);
        Assert.NotEqual(one.GuardianProcessId, other.GuardianProcessId);
        int guardian = one.GuardianProcessId.Value;
        one.Dispose();
        Assert.False(Directory.Exists($"/proc/{guardian}"));
        Assert.True(Directory.Exists($"/proc/{other.GuardianProcessId}"));
    }
}
