using Uprobes.Arming.Inline;
using Uprobes.Channels;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.WriteGuards;
using Uprobes.Programs;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>Programs that stay in the target for long: their loops end only because their rounds are used up.</summary>
public sealed class LoopTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Fact]
    public void Probes_come_and_go_while_threads_are_in_loops()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        target.Ask("spin 3");
        for (int i = 0; i < 10; i++)
        {
            using ProgramRun run = Endless();
            RegistrationResult result = session.RegisterAll([InlineKit.Count(run, 0, ProbePoint.At("threads", "work"))]);
            Assert.Empty(result.Refusals);
            Assert.Equal(1, session.InlineSites);
            ulong before = InlineKit.Total(run);
            Eventually.Holds(() => InlineKit.Total(run) > before + 3, "rounds are used up");
            session.UnregisterAll(result.Registrations);
            ulong after = InlineKit.Total(run);
            Assert.Equal(0, session.InlineSites);
            Assert.Equal(after, InlineKit.Total(run));
        }

        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.NotEqual("", target.Ask("stop"));
    }

    [Theory]
    [InlineData("fork 3")]
    [InlineData("thread 3")]
    public void Processes_fork_while_threads_are_in_loops(string command)
    {
        using TargetProcess bare = TargetProcess.StartTarget("forker");
        string expected = bare.Ask(command);
        using TargetProcess target = TargetProcess.StartTarget("forker");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using ProgramRun run = Endless();
        RegistrationResult result = session.RegisterAll([InlineKit.Count(run, 0, ProbePoint.At(Targets.Path("forker"), "work"))]);
        Assert.Empty(result.Refusals);
        Assert.Equal(expected, target.Ask(command, TimeSpan.FromSeconds(60)));
        Assert.Equal(1, session.InlineSites);
        session.UnregisterAll(result.Registrations);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal(0, target.Quit().Code);
    }

    /// <summary>Counts how often its rounds were used up.</summary>
    private static ProgramRun Endless() => new(
        new ProgramGroup
        {
            Entry = new ProbeProgram([new Loop([], [new Aggregate(0, [], null)])], []),
            Maps = [new MapDefinition("@", AggregateKind.Count, DataType.U64, [], 1)],
        },
        1);
}
