using Uprobes.Channels;
using Uprobes.LiveTests.Following;
using Uprobes.LiveTests.Kit;

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
        RegistrationResult result = session.RegisterAll([run.At("life", "work")]);
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

    [Theory]
    [InlineData(ProgramKind.Count, "share 6")]
    [InlineData(ProgramKind.Event, "share 6")]
    [InlineData(null, "share 6")]
    [InlineData(ProgramKind.Count, "raw 3")]
    [InlineData(ProgramKind.Event, "raw 1")]
    [InlineData(null, "raw 1")]
    public void Threads_with_one_thread_pointer_are_counted_all_the_same(ProgramKind? kind, string command)
    {
        using TargetProcess target = TargetProcess.StartTarget("life");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using LifeRun run = new(kind);
        RegistrationResult result = session.RegisterAll([run.At("life", "work")]);
        Assert.Empty(result.Refusals);
        for (int round = 0; round < 2; round++)
        {
            ulong before = run.Total();
            ulong calls = LifeRun.Ask(target, command).Values.Aggregate(0ul, (a, b) => a + b);
            Assert.Equal(calls, run.Total() - before);
        }

        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
    }

    [Theory]
    [InlineData(ProgramKind.Count)]
    [InlineData(ProgramKind.Event)]
    [InlineData(null)]
    public void Children_that_no_tracer_is_told_of_run_right(ProgramKind? kind)
    {
        using TargetProcess target = TargetProcess.StartTarget("life");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using LifeRun run = new(kind);
        RegistrationResult result = session.RegisterAll([run.At("life", "work")]);
        Assert.Empty(result.Refusals);
        run.AssertCounted([], LifeRun.Ask(target, "untraced 20"));
        session.Dispose();
        target.QuitsWell();
    }

    [Theory]
    [InlineData(ProgramKind.Count)]
    [InlineData(ProgramKind.Event)]
    [InlineData(null)]
    public void Threads_are_born_on_ever_other_stacks_more_than_the_table_holds(ProgramKind? kind)
    {
        using TargetProcess target = TargetProcess.StartTarget("life");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using LifeRun run = new(kind, threadSlots: 16);
        RegistrationResult result = session.RegisterAll([run.At("life", "work")]);
        Assert.Empty(result.Refusals);
        Assert.Equal(1, session.InlineSites);
        run.AssertCounted([], LifeRun.Ask(target, "stacks 200"));
        session.Dispose();
        target.QuitsWell();
    }

    [Fact]
    public void Hits_of_more_threads_than_the_table_holds_are_told_to_be_lost()
    {
        using TargetProcess target = TargetProcess.StartTarget("life");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using LifeRun run = new(ProgramKind.Count);
        Assert.Empty(session.RegisterAll([run.At("life", "work")]).Refusals);
        ulong calls = LifeRun.Ask(target, "alive 1500")[target.Pid];
        Assert.Equal(calls, InlineKit.Total(run.Run) + ChannelLosses.Read(run.Run.Channels[0].Memory).Threads);
        session.Dispose();
        target.QuitsWell();
    }

    [Theory]
    [InlineData(ProgramKind.Count, "cycle 40", 40)]
    [InlineData(ProgramKind.Event, "cycle 40", 40)]
    [InlineData(null, "cycle 40", 40)]
    [InlineData(ProgramKind.Count, "parallel 4 25", 100)]
    [InlineData(ProgramKind.Event, "parallel 4 25", 100)]
    [InlineData(null, "parallel 4 25", 100)]
    public void A_library_is_loaded_and_unloaded_again_and_again(ProgramKind? kind, string command, ulong calls)
    {
        string[] bare = Counting.Bare("dl", command);
        using TargetProcess target = TargetProcess.StartTarget("dl");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using LifeRun run = new(kind);
        RegistrationResult result = session.RegisterAll([run.At("libplug.so", "plug_work")]);
        Assert.Empty(result.Refusals);
        for (int round = 0; round < 3; round++)
        {
            Dictionary<int, ulong> before = run.Hits();
            Assert.Equal(bare, target.AskAll(command));
            run.AssertCounted(before, new() { [target.Pid] = calls });
        }

        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }
}
