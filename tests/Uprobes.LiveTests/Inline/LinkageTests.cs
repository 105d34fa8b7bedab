using Uprobes.Images;
using Uprobes.LiveTests.Following;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Inline;

/// <summary>Programs that are linked in other ways: without a C library to load, with another one, without symbols.</summary>
public sealed class LinkageTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.AssertNothingLeft();

    [Theory]
    [InlineData("calls-pie", "calls-pie")]
    [InlineData("calls-nopie", "calls-nopie")]
    [InlineData("calls-static", "calls-static")]
    [InlineData("calls-static-pie", "calls-static-pie")]
    [InlineData("calls-musl", "calls-musl")]
    [InlineData("calls-O2", "calls-O2")]
    [InlineData("calls-stripped", "calls-pie")]
    public void Programs_run_in_targets_of_every_linkage(string name, string withSymbols)
    {
        using ElfImage image = ElfImage.Open(Targets.Path(withSymbols));
        FunctionSymbol function = image.Functions.InOwnTables("fact").Single();
        string bare = Counting.Bare(name, "fact 500")[0];
        foreach (ProgramKind? kind in new ProgramKind?[] { ProgramKind.Count, ProgramKind.Keyed, ProgramKind.Event, null })
        {
            using TargetProcess target = TargetProcess.StartTarget(name);
            using UprobeSession session = UprobeSession.Attach(target.Pid);
            Notices notices = session.Listen();
            using LifeRun run = new(kind);
            Assert.Empty(session.RegisterAll([run.At(ProbePoint.At(Targets.Path(name), function.Offset))]).Refusals);
            if (kind is not null)
                Assert.Equal(1, session.InlineSites);
            Assert.Equal(bare, target.Ask("fact 500"));
            // What the compiler has made of the recursion at -O2 is its own affair.
            run.AssertCounted([], new() { [target.Pid] = name == "calls-O2" ? run.Total() : 5000ul });
            Assert.True(run.Total() >= 500);
            session.Dispose();
            TextComparison.AssertSame(target.Pid);
            target.QuitsWell();
            notices.AssertNone();
        }
    }
}
