using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Life;

namespace Uprobes.LiveTests.KilledTracer;

/// <summary>All of it as a user without any privilege, to whom the guardian has no priority.</summary>
[TestLimit(180)]
public sealed class OrdinaryUserKillTests
{
    private const int SIGKILL = 9;

    [Theory]
    [InlineData("arm", "armed ", "p", 5)]
    [InlineData("cycle", "cycle ", "por", 5)]
    public void Killing_a_tracer_of_an_ordinary_user_leaves_the_right_result(string verb, string word, string handlers, int rounds)
    {
        Require.OtherUser();
        StartOptions nobody = new() { User = StartOptions.Nobody };
        string host = Path.Combine(AppContext.BaseDirectory, "Uprobes.LiveTests.Host.dll");
        using ProbedTarget target = new("selfcheck", "until", nobody);
        for (int round = 0; round < rounds; round++)
        {
            using TargetProcess tracer = TargetProcess.Start(nobody, Require.Program("dotnet"), "exec", host, verb,
                $"{target.Process.Pid}", handlers, target.Point("step"), "libc:mem*");
            tracer.WaitForLine(word);
            tracer.Signal(SIGKILL);
            Assert.Equal(SIGKILL, tracer.WaitForExit().Signal);
            target.AssertLeftAlone($"in round {round}");
        }

        target.AssertRight();
    }
}
