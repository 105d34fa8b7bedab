using Uprobes.LiveTests.Following;
using Uprobes.LiveTests.Kit;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>A trampoline is replaced when programs come to its site, or leave it: threads are in the former one until that moment.</summary>
public sealed class ReplacedTrampolineTests
{
    private const int Faults = 5_000, MostRounds = 100;

    [Theory]
    [InlineData("ud2", "fault_ud2")]
    [InlineData("repair", "load_page")]
    public async Task A_fault_met_there_is_told_of_where_its_instruction_stands(string command, string function)
    {
        using TargetProcess target = TargetProcess.StartTarget("faults");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        ProbePoint point = ProbePoint.At(Targets.Path("faults"), function);
        using LifeRun standing = new(ProgramKind.Loop, threadSlots: 16);
        Assert.Empty(session.RegisterAll([standing.At(point)]).Refusals);
        Task<string> answer = Task.Factory.StartNew(() => target.Ask($"{command} {Faults}", TimeSpan.FromSeconds(60)), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        int rounds = 0;
        for (; rounds < MostRounds && !answer.IsCompleted; rounds++)
        {
            using LifeRun other = new(ProgramKind.Count, threadSlots: 16);
            RegistrationResult result = session.RegisterAll([other.At(point)]);
            Assert.Empty(result.Refusals);
            session.UnregisterAll(result.Registrations);
        }

        Assert.Equal("0", await answer);
        TestContext.Current.TestOutputHelper?.WriteLine($"{rounds} rounds");
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
    }
}
