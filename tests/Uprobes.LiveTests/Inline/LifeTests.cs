using Uprobes.LiveTests.Following;
using Uprobes.LiveTests.Kit;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>Threads and processes that come and go while programs run in them: every hit is counted, in the process that made it.</summary>
public sealed class LifeTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    public static TheoryData<ProgramKind?, string> Lives()
    {
        TheoryData<ProgramKind?, string> lives = [];
        foreach (ProgramKind? kind in new ProgramKind?[] { ProgramKind.Count, ProgramKind.Keyed, ProgramKind.Event, null })
        {
            foreach (string command in (string[])["births 20 30", "alive 600", "fork 12", "inside 10", "vfork 15", "spawn 15", "borrow 15", "silent 15", "self 6", "other"])
                lives.Add(kind, command);
        }

        return lives;
    }

    [Theory]
    [MemberData(nameof(Lives))]
    public void Every_process_is_counted_by_itself(ProgramKind? kind, string command)
    {
        using TargetProcess target = TargetProcess.StartTarget("life");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using LifeRun run = new(kind);
        RegistrationResult result = session.RegisterAll([InlineKit.Count(run.Run, 0, ProbePoint.At(Targets.Path("life"), "work"))]);
        Assert.Empty(result.Refusals);
        Assert.Equal(1, session.InlineSites);
        for (int round = 0; round < 2; round++)
        {
            Dictionary<int, ulong> before = run.Hits();
            run.AssertCounted(before, LifeRun.Ask(target, command == "other" ? "other " + Targets.Path("life") : command));
        }

        session.UnregisterAll(result.Registrations);
        Dictionary<int, ulong> last = run.Hits();
        Assert.NotEmpty(LifeRun.Ask(target, "births 3 3"));
        Assert.Equal(last, run.Hits());
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }
}
