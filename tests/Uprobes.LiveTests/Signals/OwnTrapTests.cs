using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Signals;

/// <summary>What the program does with SIGTRAP stays as it is (traps T6, T7).</summary>
public sealed class OwnTrapTests
{
    private const int SIGTRAP = 5;

    [Theory]
    [InlineData("default")]
    [InlineData("default-blocked")]
    [InlineData("ignored")]
    [InlineData("ignored-blocked")]
    [InlineData("handler")]
    [InlineData("handler-blocked")]
    public void Disposition_and_mask_are_those_of_an_unprobed_run(string mode)
    {
        using TargetProcess bare = TargetProcess.StartTarget("sigtrap", mode);
        using ProbedTarget target = ProbedTarget.Start("sigtrap", mode);
        string path = Targets.Path("sigtrap");
        IReadOnlyList<ProbeRegistration> work = target.Probe(InstructionPoints.Of(path, "work"));
        bool canTrap = mode == "handler";
        if (canTrap)
            target.Probe([ProbePoint.At(path, "handler")]);
        string[] commands = canTrap ? ["go 100", "int3 50", "raise 50", "go 100"] : ["go 100", "go 1"];
        foreach (string command in commands)
        {
            bare.Send(command);
            target.Process.Send(command);
            Assert.Equal(bare.WaitForLine("state "), target.Process.WaitForLine("state "));
            Assert.Equal(bare.WaitForLine("result "), target.Process.WaitForLine("result "));
        }

        Assert.All(work, p => Assert.Equal(work[0].Hits, p.Hits));
        target.Detach();
        string after = target.Process.Ask("go 3");
        Assert.Equal(bare.Ask("go 3"), after);
        Assert.Equal(StateLines(bare)[^1], StateLines(target.Process)[^1]);
    }

    [Theory]
    [InlineData("default", "int3 1")]
    [InlineData("default", "raise 1")]
    [InlineData("ignored", "int3 1")]
    [InlineData("ignored", "raise 5")]
    [InlineData("handler-blocked", "int3 1")]
    public void A_trap_of_the_programs_own_ends_as_it_would_have(string mode, string command)
    {
        using TargetProcess bare = TargetProcess.StartTarget("sigtrap", mode);
        bare.Send(command);
        bare.CloseInput();
        ExitStatus wanted = bare.WaitForExit();
        using ProbedTarget target = ProbedTarget.Start("sigtrap", mode);
        target.Probe(InstructionPoints.Of(Targets.Path("sigtrap"), "work"));
        target.Process.Send(command);
        target.Process.CloseInput();
        Assert.Equal(wanted, target.Process.WaitForExit());
        Assert.Equal(mode == "ignored" && command.StartsWith("raise", StringComparison.Ordinal) ? 0 : null, wanted.Code);
        if (wanted.Code is null)
            Assert.Equal(SIGTRAP, wanted.Signal);
        Assert.Equal(StateLines(bare), StateLines(target.Process));
    }

    [Theory]
    [InlineData("default")]
    [InlineData("ignored")]
    [InlineData("handler")]
    [InlineData("handler-blocked")]
    public void What_the_program_chooses_later_is_followed(string mode)
    {
        string[] commands = ["go 3", "install", "int3 5", "raise 5", "go 3", "ignore", "raise 5", "go 3", "reset", "go 3", "install", "go 50", "int3 20"];
        if (mode.EndsWith("blocked", StringComparison.Ordinal))
            commands = ["go 3", "install", "go 3", "ignore", "go 3", "reset", "go 3", "install", "go 50"];
        AssertSameLines(mode, commands);
    }

    [Theory]
    [InlineData("default")]
    [InlineData("ignored")]
    [InlineData("ignored-blocked")]
    [InlineData("handler")]
    public void An_executed_program_inherits_what_it_would_have(string mode) =>
        AssertSameLines(mode, ["go 3", "spawn", "go 1", "again", "go 1", "spawn", "go 1", "again", "go 1"]);

    private static void AssertSameLines(string mode, string[] commands)
    {
        using TargetProcess bare = TargetProcess.StartTarget("sigtrap", mode);
        using ProbedTarget target = ProbedTarget.Start("sigtrap", mode);
        string path = Targets.Path("sigtrap");
        target.Probe([.. InstructionPoints.Of(path, "work"), .. InstructionPoints.Of(path, "handler")]);
        foreach (string command in commands)
        {
            bare.Send(command);
            target.Process.Send(command);
            string answer = command == "again" ? "ready " : "result ";
            string wanted = bare.WaitForLine(answer), given = target.Process.WaitForLine(answer);
            Assert.True(wanted == given || command == "again", target.Process.Output);
        }

        Assert.Equal(WithoutIds(bare), WithoutIds(target.Process));
        target.Session.Dispose();
        TextComparison.AssertSame(target.Process.Pid);
        bare.Ask("go 2");
        target.Process.Ask("go 2");
        Assert.Equal(StateLines(bare)[^1], StateLines(target.Process)[^1]);

        static string[] WithoutIds(TargetProcess process) =>
            [.. process.Output.Split('\n').Where(l => !l.StartsWith("ready ", StringComparison.Ordinal))];
    }

    private static string[] StateLines(TargetProcess target) =>
        [.. target.Output.Split('\n').Where(l => l.StartsWith("state ", StringComparison.Ordinal))];
}
