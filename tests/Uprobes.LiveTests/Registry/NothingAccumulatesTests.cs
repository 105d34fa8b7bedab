using Uprobes.LiveTests.Kit;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Registry;

/// <summary>What is done often leaves nothing: descriptors, threads and mappings are counted in this process and in the target.</summary>
public sealed class NothingAccumulatesTests
{
    [Fact]
    public void A_thousand_refused_registrations()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using PrivateFolder folder = new();
        File.WriteAllText(folder.At("text"), "not ELF");
        LeakCheck outside = new();
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            (ProbePoint Point, ProbeRefusalReason Reason)[] refused =
            [
                (ProbePoint.At("calls-pie", "missing"), ProbeRefusalReason.NoSuchSymbol),
                (ProbePoint.At("libmissing", "f"), ProbeRefusalReason.NoSuchFile),
                (ProbePoint.At(folder.At("text"), "f"), ProbeRefusalReason.NotElf),
                (ProbePoint.At("calls-pie", 0), ProbeRefusalReason.OffsetOutsideText),
                (ProbePoint.At("calls-pie", 1UL << 40), ProbeRefusalReason.OffsetOutsideText),
            ];
            Refuse(); // What a first use sets up is there from now on.
            LeakCheck inside = new();
            ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
            for (int round = 0; round < 200; round++)
                Refuse();
            inside.AssertNothingLeft();
            Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));

            void Refuse()
            {
                foreach ((ProbePoint point, ProbeRefusalReason reason) in refused)
                    Assert.Equal(reason, Assert.Throws<ProbeRefusedException>(() => session.Register(point, Count.Only)).Refusal.Reason);
            }
        }

        outside.AssertNothingLeft();
    }

    [Fact]
    public void A_thousand_registrations_that_stand_for_a_moment()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        string expected = target.Ask("sum7 2");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        string[] functions = ["nothing", "sum6", "sum7", "work", "fact"];
        Cycle();
        LeakCheck inside = new();
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        for (int round = 0; round < 200; round++)
            Cycle();
        inside.AssertNothingLeft();
        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        Assert.Equal(expected, target.Ask("sum7 2"));

        void Cycle()
        {
            foreach (string function in functions)
                session.Register(ProbePoint.At("calls-pie", function), Count.Only).Dispose();
        }
    }

    [Fact]
    public void Two_hundred_sessions()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        string expected = target.Ask("sum6 2");
        Cycle();
        LeakCheck leaks = new();
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        for (int round = 0; round < 200; round++)
            Cycle();
        leaks.AssertNothingLeft();
        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        TextComparison.AssertSame(target.Pid);
        Assert.Equal(new ExitStatus(0, null), target.Quit());

        void Cycle()
        {
            using UprobeSession session = UprobeSession.Attach(target.Pid);
            using ProbeRegistration registration = session.Register(ProbePoint.At("calls-pie", "sum6"), Count.Only);
            Assert.Equal(expected, target.Ask("sum6 2"));
            Assert.Equal(2, registration.Hits);
        }
    }

    [Theory]
    [InlineData("calls-pie", "sum7", "sum7 3")]
    [InlineData("calls-nopie", "sum7", "sum7 3")]
    [InlineData("calls-static", "sum7", "sum7 3")]
    [InlineData("calls-static-pie", "sum7", "sum7 3")]
    [InlineData("calls-musl", "sum7", "sum7 3")]
    [InlineData("threads", "work", "go 2 20")]
    [InlineData("mapper", "leaf", "second 3")]
    [InlineData("faults", "fault_load", "go 2")]
    [InlineData("sigtrap", "work", "go 2")]
    public void After_a_session_the_target_is_what_it_was(string program, string function, string command)
    {
        using TargetProcess target = TargetProcess.StartTarget(program);
        string expected = target.Ask(command);
        target.Ask(command);
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            ProbePoint point = ProbePoint.At(program, function);
            using ProbeRegistration plain = session.Register(point, new ProbeHandlers { Pre = static _ => { }, Post = static _ => { } });
            using ProbeRegistration returns = session.RegisterReturn(point, new ReturnHandlers { Return = static _ => { } });
            Assert.Equal(expected, target.Ask(command));
            Assert.True(plain.Hits > 0);
        }

        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        TextComparison.AssertSame(target.Pid);
        Assert.Equal(expected, target.Ask(command));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }
}
