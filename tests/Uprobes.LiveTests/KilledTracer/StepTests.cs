using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Life;

namespace Uprobes.LiveTests.KilledTracer;

/// <summary>The tracer kills itself between every two steps by which it changes a target (traps T4, R9).</summary>
[TestLimit(300)]
public sealed class StepTests
{
    [Theory]
    [InlineData("w", new[] { 1 })]
    [InlineData("or", new[] { 1, 5 })]
    public void Whatever_step_is_a_tracers_last_the_target_goes_on_right(string handlers, int[] times)
    {
        using ProbedTarget target = new("selfcheck", "until");
        IReadOnlyDictionary<string, int> steps = Count(target, handlers);
        foreach ((string step, int count) in steps)
        {
            foreach (int time in times)
            {
                if (time > count)
                    break;
                using HostProcess host = target.Trace("steps", handlers, $"{step}:{time}", target.Point("step"));
                if (!host.AwaitKill())
                    break; // How often some steps happen depends on the moment.
                target.AssertLeftAlone($"after \"{step}\" the {time}. time, handlers {handlers}");
            }
        }

        Assert.NotEmpty(Count(target, handlers)); // A later session works as the first one did.
        target.AssertRight();
    }

    private static Dictionary<string, int> Count(ProbedTarget target, string handlers)
    {
        using HostProcess host = target.Trace("steps", handlers, "none:1", target.Point("step"));
        string line = host.ReadLine("steps");
        Assert.False(target.Process.HasExited);
        return line.Split(',').Select(s => s.Split('=')).ToDictionary(s => s[0], s => int.Parse(s[1], provider: null));
    }
}
